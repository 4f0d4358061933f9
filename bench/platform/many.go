package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// atOnce is how many clients call many tenants at a time.
const atOnce = 4

// manyTenants measures what live tenants cost, and what calls over them take.
func manyTenants(ctx context.Context, w *workshop, o options, t *table) error {
	p, err := startBerth(ctx, w, "--concurrency", fmt.Sprint(max(1000, o.tenants*2/5+1)))
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.settle(ctx, "spare", hasSpare); err != nil {
		return err
	}
	empty, err := memoryOf(p.cmd.Process.Pid)
	if err != nil {
		return err
	}

	const few = 10
	if _, err := over(ctx, p, few, few, each); err != nil {
		return err
	}
	calm, err := over(ctx, p, few, max(o.overCalls/4, 100), random)
	if err != nil {
		return fmt.Errorf("call %d tenants: %w", few, err)
	}

	begin := time.Now()
	made, err := over(ctx, p, o.tenants, o.tenants, each)
	if err != nil {
		return fmt.Errorf("make %d tenants: %w", o.tenants, err)
	}
	t.add(row{measure: fmt.Sprintf("%d new tenants, %d clients", o.tenants, atOnce),
		value:  fmt.Sprintf("%.1f s", time.Since(begin).Seconds()),
		beside: "p50 " + took(quantile(made, 0.5)) + ", p99 " + took(quantile(made, 0.99))})

	if err := p.settle(ctx, "quiet", func(all []environment) bool {
		live := 0
		for _, e := range all {
			if e.TenantID != "" && e.Frozen {
				live++
			}
		}
		return live >= o.tenants
	}); err != nil {
		return err
	}
	if err := weigh(ctx, p, empty, o, t); err != nil {
		return err
	}

	all, err := over(ctx, p, o.tenants, o.overCalls, random)
	if err != nil {
		return fmt.Errorf("call %d tenants: %w", o.tenants, err)
	}
	r := float64(quantile(all, 0.99)) / float64(quantile(calm, 0.99))
	t.add(row{measure: fmt.Sprintf("%d calls over %d tenants, p50", o.overCalls, o.tenants),
		value: took(quantile(all, 0.5)), beside: fmt.Sprintf("over %d tenants %s", few, took(quantile(calm, 0.5))),
		ratio: ratio(float64(quantile(all, 0.5)), float64(quantile(calm, 0.5)))})
	t.add(row{measure: "the same, p99", value: took(quantile(all, 0.99)), beside: fmt.Sprintf("over %d tenants %s", few, took(quantile(calm, 0.99))),
		ratio: fmt.Sprintf("%.2f", r), target: atMost("3", r, 3)})
	return nil
}

// each and random say which tenant the i-th of the calls is of.
func each(i, tenants int) int   { return i % tenants }
func random(_, tenants int) int { return rand.IntN(tenants) }

// over makes so many calls of so many tenants, atOnce at a time, and returns what
// they took. Each must be answered.
func over(ctx context.Context, p peer, tenants, calls int, choose func(i, tenants int) int) ([]time.Duration, error) {
	parts := make([][]time.Duration, atOnce)
	errs := make([]error, atOnce)
	var wg sync.WaitGroup
	for n := range atOnce {
		wg.Go(func() {
			c, err := dial(ctx, p, "nobody")
			if err != nil {
				errs[n] = err
				return
			}
			defer c.close()
			for i := n; i < calls && ctx.Err() == nil; i += atOnce {
				c.become(p, fmt.Sprintf("live-%d", choose(i, tenants)))
				d, err := c.call()
				if err != nil {
					errs[n] = err
					return
				}
				parts[n] = append(parts[n], d)
			}
		})
	}
	wg.Wait()
	var all []time.Duration
	for _, part := range parts {
		all = append(all, part...)
	}
	return all, errors.Join(append(errs, context.Cause(ctx))...)
}

// weigh measures the memory of idle tenants: of their processes, which are the
// function's and the first of its sandbox, and of Berth itself.
func weigh(ctx context.Context, p peer, empty memory, o options, t *table) error {
	own, err := memoryOf(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	all, err := p.environments(ctx)
	if err != nil {
		return err
	}
	var sum float64
	count := 0
	for _, e := range all {
		if e.TenantID == "" {
			continue
		}
		first, err := parent(e.PID)
		if err != nil {
			return err
		}
		pids := []int{e.PID}
		if first != p.cmd.Process.Pid {
			pids = append(pids, first)
		}
		for _, pid := range pids {
			m, err := memoryOf(pid)
			if err != nil {
				return err
			}
			sum += m.proportional
		}
		count++
	}
	tenant := sum / float64(count)
	berth := (own.resident - empty.resident) / float64(count)
	t.add(row{measure: "memory for each idle tenant, of its processes (PSS)", value: size(tenant), target: atMost("6 MiB", tenant, 6<<20)})
	t.add(row{measure: "memory of Berth itself for each idle tenant", value: size(berth), target: atMost("64 KiB", berth, 64<<10),
		beside: fmt.Sprintf("%s with %d tenants, %s with none", size(own.resident), count, size(empty.resident))})
	return nil
}
