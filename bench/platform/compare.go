package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// compare measures warm calls of every peer, in turns: one client, and then eight
// clients on eight tenants.
func compare(ctx context.Context, w *workshop, o options, t *table) error {
	berth, err := startBerth(ctx, w)
	if err != nil {
		return err
	}
	defer berth.stop()
	peers := []peer{berth}
	echo, err := startEcho(ctx)
	if err != nil {
		return err
	}
	defer echo.stop()
	peers = append(peers, echo)
	if w.emulator != "" {
		emulator, err := startEmulator(ctx, w)
		if err != nil {
			return err
		}
		defer emulator.stop()
		peers = append(peers, emulator)
	}

	all := make([][]time.Duration, len(peers)) // the calls of each peer
	var cpu time.Duration                      // Berth's own
	var clients []*client
	for _, p := range peers {
		c, err := dial(ctx, p, "alice")
		if err != nil {
			return err
		}
		defer c.close()
		clients = append(clients, c)
		if _, err := several(ctx, c, o.calls); err != nil {
			return fmt.Errorf("warm %s up: %w", p.name, err)
		}
	}
	for range o.blocks {
		for i, p := range peers {
			before, err := cpuTime(p.cmd.Process.Pid)
			if err != nil {
				return err
			}
			block, err := several(ctx, clients[i], o.calls)
			if err != nil {
				return fmt.Errorf("call %s: %w", p.name, err)
			}
			all[i] = append(all[i], block...)
			after, err := cpuTime(p.cmd.Process.Pid)
			if err != nil {
				return err
			}
			if i == 0 {
				cpu += after - before
			}
		}
	}
	ours := quantile(all[0], 0.5)
	for i, p := range peers[1:] {
		theirs := quantile(all[i+1], 0.5)
		r := row{measure: "warm call, one client, p50", value: took(ours), beside: p.name + " " + took(theirs), ratio: ratio(float64(ours), float64(theirs))}
		if p.name == "emulator" {
			r.target = atMost("0.40", float64(ours)/float64(theirs), 0.40)
		}
		t.add(r)
	}
	t.add(row{measure: "warm call, one client, p99", value: took(quantile(all[0], 0.99)), beside: "echo " + took(quantile(all[1], 0.99))})
	t.add(row{measure: "CPU of Berth itself for each call", value: took(cpu / time.Duration(len(all[0])))})

	rates := make([]float64, 2)
	const clientsAtOnce = 8
	blocks := max(o.blocks/4, 1)
	for range blocks {
		for i, p := range peers[:2] {
			rate, err := together(ctx, p, clientsAtOnce, o.calls)
			if err != nil {
				return fmt.Errorf("call %s with %d clients: %w", p.name, clientsAtOnce, err)
			}
			rates[i] += rate / float64(blocks)
		}
	}
	r := row{measure: "8 clients on 8 tenants", value: fmt.Sprintf("%.0f calls/s", rates[0]),
		beside: fmt.Sprintf("echo %.0f calls/s", rates[1]), ratio: ratio(rates[0], rates[1])}
	t.add(r)
	if w.emulator != "" {
		one := 1 / quantile(all[2], 0.5).Seconds()
		t.add(row{measure: "8 clients on 8 tenants", value: r.value, beside: fmt.Sprintf("emulator, one client, %.0f calls/s", one),
			ratio: ratio(rates[0], one), target: atLeast("5", rates[0]/one, 5)})
	}
	return nil
}

// several makes n calls, one after the other.
func several(ctx context.Context, c *client, n int) ([]time.Duration, error) {
	all := make([]time.Duration, 0, n)
	for range n {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		d, err := c.call()
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// together has n clients, each of a tenant of its own, make so many calls each,
// and returns how many there were in a second.
func together(ctx context.Context, p peer, n, calls int) (rate float64, err error) {
	clients := make([]*client, n)
	for i := range clients {
		if clients[i], err = dial(ctx, p, fmt.Sprintf("tenant-%d", i)); err != nil {
			return 0, err
		}
		defer clients[i].close()
		if _, err := clients[i].call(); err != nil {
			return 0, err
		}
	}
	errs := make([]error, n)
	begin := time.Now()
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { _, errs[i] = several(ctx, c, calls) })
	}
	wg.Wait()
	elapsed := time.Since(begin)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(n*calls) / elapsed.Seconds(), nil
}

// start measures how long berth up takes until it serves a function that is
// built, and what it holds when nothing happens.
func start(ctx context.Context, w *workshop, o options, t *table) error {
	var times []time.Duration
	var held []float64
	for range o.starts {
		p, err := startReady(ctx, w)
		if err != nil {
			return err
		}
		times = append(times, p.took)
		if err := p.settle(ctx, "spare", hasSpare); err != nil {
			p.stop()
			return err
		}
		m, err := memoryOf(p.cmd.Process.Pid)
		p.stop()
		if err != nil {
			return err
		}
		held = append(held, m.resident)
	}
	ready, idle := quantile(times, 0.5), quantile(held, 0.5)
	t.add(row{measure: "berth up, function built: until it serves, p50", value: took(ready), target: atMost("30 ms", ready.Seconds(), 0.030)})
	t.add(row{measure: "berth up, idle: resident memory", value: size(idle), target: atMost("20 MiB", idle, 20<<20)})
	return nil
}

// newTenants measures the first call of a tenant, with a spare ready and with none.
func newTenants(ctx context.Context, w *workshop, o options, t *table) error {
	first, warm, err := firsts(ctx, w, o.starts, true)
	if err != nil {
		return err
	}
	t.add(row{measure: "first call of a new tenant, a spare ready, p50", value: took(first), beside: "its next call " + took(warm),
		ratio: ratio(float64(first), float64(warm)), target: atMost("2", float64(first)/float64(warm), 2)})
	first, warm, err = firsts(ctx, w, o.starts, false, "--spares", "0")
	if err != nil {
		return err
	}
	t.add(row{measure: "first call of a new tenant, no spares, p50", value: took(first), beside: "its next call " + took(warm),
		ratio: ratio(float64(first), float64(warm)), target: atMost("15 ms", first.Seconds(), 0.015)})
	return nil
}

// firsts measures the first call of n new tenants, and the call after it.
func firsts(ctx context.Context, w *workshop, n int, spares bool, args ...string) (first, next time.Duration, err error) {
	p, err := startBerth(ctx, w, args...)
	if err != nil {
		return 0, 0, err
	}
	defer p.stop()
	c, err := dial(ctx, p, "nobody")
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	var all, after []time.Duration
	for i := range n {
		if spares {
			if err := p.settle(ctx, "spare", hasSpare); err != nil {
				return 0, 0, err
			}
		}
		time.Sleep(50 * time.Millisecond) // for the spare's init, and for the call before to be over
		c.become(p, fmt.Sprintf("new-%d", i))
		both, err := several(ctx, c, 2)
		if err != nil {
			return 0, 0, err
		}
		all, after = append(all, both[0]), append(after, both[1])
	}
	return quantile(all, 0.5), quantile(after, 0.5), nil
}

// hasSpare says whether a spare's process runs.
func hasSpare(all []environment) bool {
	for _, e := range all {
		if strings.HasPrefix(e.State, "spare") && e.PID != 0 {
			return true
		}
	}
	return false
}
