package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/berthdev/berth/bench/internal/runtimeapi"
	"github.com/berthdev/berth/bench/internal/twin"
	"github.com/berthdev/berth/bench/twins/raw"
	"github.com/berthdev/berth/bench/twins/typed"
)

// twins is one function on two libraries, and what is measured of it.
type twins struct {
	name    string
	event   []byte
	count   []byte // the event that asks for the number of allocations
	objects func(response []byte) (uint64, error)
	targets targets
}

type targets struct{ p50, cpu, start, memory, binary, objects float64 }

func allTwins() []twins {
	return []twins{
		{
			name:    "raw",
			event:   []byte(`{"order":"2f6c1a","items":[{"sku":"A-1","n":2},{"sku":"B-7","n":1}],"note":"leave it at the door"}`),
			count:   []byte(raw.CountEvent),
			objects: func(b []byte) (uint64, error) { return strconv.ParseUint(string(b), 10, 64) },
			targets: targets{p50: 0.42, cpu: 0.37, start: 0.70, memory: 0.40, binary: 0.48, objects: 3},
		},
		{
			name:    "typed",
			event:   restEvent("/orders/2f6c1a"),
			count:   restEvent(typed.CountPath),
			objects: bodyNumber,
			targets: targets{p50: 0.45, cpu: 0.45},
		},
	}
}

// run measures one pair of twins, A B B A in blocks, both processes alive all
// the while: a disturbance of the machine then hits both.
func run(ctx context.Context, t twins, theirs, ours twin.Binary, n sizes, progress io.Writer) ([]measure, error) {
	binaries := [2]twin.Binary{theirs, ours}
	var init, p50, p99, cycle, cpu, memory, size, objects [2][]float64

	for i := range n.starts {
		for _, k := range order(i) {
			p, err := twin.Start(ctx, binaries[k])
			if err != nil {
				return nil, err
			}
			init[k] = append(init[k], p.Init.Seconds()*1e3)
			p.Stop()
		}
	}
	fmt.Fprintf(progress, "%s: %d starts of each\n", t.name, n.starts)

	var processes [2]*twin.Process
	for k, b := range binaries {
		p, err := twin.Start(ctx, b)
		if err != nil {
			return nil, err
		}
		defer p.Stop()
		processes[k] = p
	}
	samples := make([]runtimeapi.Sample, max(n.invocations, n.warmup))
	for _, p := range processes {
		if _, err := p.API.Run(ctx, t.event, samples[:n.warmup]); err != nil {
			return nil, fmt.Errorf("%s: warm up: %w", t.name, err)
		}
	}
	values := make([]float64, n.invocations)
	for i := range n.blocks {
		for _, k := range order(i) {
			p := processes[k]
			before, err := p.CPU()
			if err != nil {
				return nil, err
			}
			r, err := p.API.Run(ctx, t.event, samples[:n.invocations])
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", t.name, err, p.Stop())
			}
			after, err := p.CPU()
			if err != nil {
				return nil, err
			}
			cpu[k] = append(cpu[k], micro(after-before)/float64(n.invocations))
			pick := func(f func(runtimeapi.Sample) time.Duration) []float64 {
				for j, s := range r.Samples {
					values[j] = micro(f(s))
				}
				return values
			}
			pick(func(s runtimeapi.Sample) time.Duration { return s.Response })
			p50[k] = append(p50[k], median(values))
			p99[k] = append(p99[k], quantile(values, 0.99))
			cycle[k] = append(cycle[k], median(pick(func(s runtimeapi.Sample) time.Duration { return s.Cycle })))
		}
	}
	fmt.Fprintf(progress, "%s: %d blocks of %d invocations of each\n", t.name, n.blocks, n.invocations)

	for k, p := range processes {
		peak, err := p.PeakMemory()
		if err != nil {
			return nil, err
		}
		memory[k] = []float64{float64(peak) / (1 << 20)}
		size[k] = []float64{float64(binaries[k].Size) / 1e6}
		each, err := allocations(ctx, p, t, samples[:n.invocations])
		if err != nil {
			return nil, fmt.Errorf("%s: count allocations: %w", t.name, err)
		}
		objects[k] = []float64{each}
	}

	line := func(name string, u unit, v [2][]float64, most float64) measure {
		return measure{twins: t.name, name: name, unit: u, series: series{v[0], v[1]}, most: most}
	}
	allocs := line("allocations per invocation", count, objects, 0)
	allocs.most1 = t.targets.objects
	return []measure{
		line("warm p50", micros, p50, t.targets.p50),
		line("warm p99", micros, p99, 0),
		line("event to following next, p50", micros, cycle, 0),
		line("CPU per invocation", micros, cpu, t.targets.cpu),
		allocs,
		line("cold start: exec to first next", millis, init, t.targets.start),
		line("peak memory", mib, memory, t.targets.memory),
		line("stripped binary", mb, size, t.targets.binary),
	}, nil
}

// order is which twin goes first in a block.
func order(block int) [2]int {
	if block%2 == 0 {
		return [2]int{0, 1}
	}
	return [2]int{1, 0}
}

// allocations is the number of heap objects per invocation.
func allocations(ctx context.Context, p *twin.Process, t twins, samples []runtimeapi.Sample) (float64, error) {
	now := func() (uint64, error) {
		r, err := p.API.Run(ctx, t.count, make([]runtimeapi.Sample, 1))
		if err != nil {
			return 0, err
		}
		return t.objects(r.Head)
	}
	if _, err := now(); err != nil { // the first one allocates what it keeps
		return 0, err
	}
	before, err := now()
	if err != nil {
		return 0, err
	}
	between, err := now() // what asking costs
	if err != nil {
		return 0, err
	}
	if _, err := p.API.Run(ctx, t.event, samples); err != nil {
		return 0, err
	}
	after, err := now()
	if err != nil {
		return 0, err
	}
	return float64(after-between-(between-before)) / float64(len(samples)), nil
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// bodyNumber finds the count in a REST API's response.
func bodyNumber(response []byte) (uint64, error) {
	_, rest, ok := bytes.Cut(response, []byte(`"body":"`))
	digits, _, ok2 := bytes.Cut(rest, []byte(`"`))
	if !ok || !ok2 {
		return 0, fmt.Errorf("no body in %q", response)
	}
	return strconv.ParseUint(string(digits), 10, 64)
}
