package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/berthdev/berth/bench/internal/runtimeapi"
	"github.com/berthdev/berth/bench/internal/twin"
)

// pair is one measure of both: theirs, then ours; one value for each block.
type pair [2][]float64

func (p *pair) add(k int, v float64) { p[k] = append(p[k], v) }

// figures are all that one run of a pair of twins brings.
type figures struct {
	start, startMemory     pair // ms, MiB
	p50, p99, first, cycle pair // µs
	throughput             pair // MB/s
	cpu                    pair // µs for each invocation
	objects, heap          pair // for each invocation, in objects and KiB
	memory, binary         pair // MiB, MB
}

// run measures one pair of twins, A B B A in blocks, both processes alive all
// the while: a disturbance of the machine then hits both.
func run(ctx context.Context, t twins, theirs, ours twin.Binary, n sizes, progress io.Writer) ([]measure, error) {
	var f figures
	binaries := [2]twin.Binary{theirs, ours}
	for i := range n.starts {
		for _, k := range order(i) {
			if err := f.start1(ctx, k, binaries[k], n.where()); err != nil {
				return nil, err
			}
		}
	}
	fmt.Fprintf(progress, "%s: %d starts of each\n", t.name, n.starts)

	var processes [2]*twin.Process
	for k, b := range binaries {
		p, err := twin.Start(ctx, b, n.where())
		if err != nil {
			return nil, err
		}
		defer p.Stop()
		processes[k] = p
		f.binary.add(k, float64(b.Size)/1e6)
	}
	few := max(1, t.few)
	warmup, invocations := max(1, n.warmup/few), max(1, n.invocations/few)
	for k, p := range processes {
		r, err := p.API.Run(ctx, t.event, make([]runtimeapi.Sample, warmup))
		if err != nil {
			return nil, fmt.Errorf("%s: warm %s up: %w\n%s", t.name, binaries[k].Path, err, p.Stop())
		}
		if r.Size < t.size {
			return nil, fmt.Errorf("%s: %s sent %d bytes, not %d", t.name, binaries[k].Path, r.Size, t.size)
		}
	}
	samples := make([]runtimeapi.Sample, invocations)
	for i := range n.blocks {
		for _, k := range order(i) {
			if err := f.block(ctx, k, processes[k], t, samples); err != nil {
				return nil, fmt.Errorf("%s: %s: %w\n%s", t.name, binaries[k].Path, err, processes[k].Stop())
			}
		}
	}
	fmt.Fprintf(progress, "%s: %d blocks of %d invocations of each\n", t.name, n.blocks, invocations)
	for k, p := range processes {
		peak, err := p.PeakMemory()
		if err != nil {
			return nil, err
		}
		f.memory.add(k, float64(peak)/(1<<20))
		if err := f.allocations(ctx, k, p, t, samples); err != nil {
			return nil, fmt.Errorf("%s: count allocations: %w", t.name, err)
		}
	}
	return f.measures(t), nil
}

// where says on which processors the two sides run.
func (n sizes) where() twin.Placement { return twin.Placement{Apart: n.apart} }

// order is which twin goes first in a block.
func order(block int) [2]int {
	if block%2 == 0 {
		return [2]int{0, 1}
	}
	return [2]int{1, 0}
}

// start1 measures one cold start.
func (f *figures) start1(ctx context.Context, k int, b twin.Binary, where twin.Placement) error {
	p, err := twin.Start(ctx, b, where)
	if err != nil {
		return err
	}
	defer p.Stop()
	peak, err := p.PeakMemory()
	if err != nil {
		return err
	}
	f.start.add(k, p.Init.Seconds()*1e3)
	f.startMemory.add(k, float64(peak)/(1<<20))
	return nil
}

// block measures some invocations, one after the other.
func (f *figures) block(ctx context.Context, k int, p *twin.Process, t twins, samples []runtimeapi.Sample) error {
	before, err := p.CPU()
	if err != nil {
		return err
	}
	r, err := p.API.Run(ctx, t.event, samples)
	if err != nil {
		return err
	}
	after, err := p.CPU()
	if err != nil {
		return err
	}
	values := make([]float64, len(r.Samples))
	of := func(what func(runtimeapi.Sample) time.Duration) []float64 {
		for i, s := range r.Samples {
			values[i] = micro(what(s))
		}
		return values
	}
	response := of(func(s runtimeapi.Sample) time.Duration { return s.Response })
	f.p50.add(k, median(response))
	f.p99.add(k, quantile(response, 0.99))
	f.throughput.add(k, float64(t.size)/median(response)) // bytes per µs
	f.first.add(k, median(of(func(s runtimeapi.Sample) time.Duration { return s.FirstByte })))
	f.cycle.add(k, median(of(func(s runtimeapi.Sample) time.Duration { return s.Cycle })))
	f.cpu.add(k, micro(after-before)/float64(len(r.Samples)))
	return nil
}

// allocations counts what an invocation allocates, by asking the function before
// and after; what the asking costs is asked for first, and taken off.
func (f *figures) allocations(ctx context.Context, k int, p *twin.Process, t twins, samples []runtimeapi.Sample) error {
	var objects, bytes [4]float64
	for i := range 4 {
		if i == 3 {
			if _, err := p.API.Run(ctx, t.event, samples); err != nil {
				return err
			}
		}
		r, err := p.API.Run(ctx, t.heap, make([]runtimeapi.Sample, 1))
		if err != nil {
			return err
		}
		if objects[i], bytes[i], err = parseHeap(r.Head); err != nil {
			return err
		}
	}
	each := func(v [4]float64) float64 { // v[0] is from before the first asking
		return (v[3] - v[2] - (v[2] - v[1])) / float64(len(samples))
	}
	f.objects.add(k, each(objects))
	f.heap.add(k, each(bytes)/(1<<10))
	return nil
}

func (f *figures) measures(t twins) []measure {
	line := func(name string, u unit, p pair, most float64) measure {
		return measure{twins: t.name, name: name, unit: u, series: series{p[0], p[1]}, most: most}
	}
	var lines []measure
	if t.size > 0 {
		throughput := line("throughput", mbps, f.throughput, 0)
		throughput.least = t.targets.throughput
		lines = append(lines, throughput, line("time to first byte, p50", micros, f.first, t.targets.firstByte))
	} else {
		lines = append(lines,
			line("warm p50", micros, f.p50, t.targets.p50),
			line("warm p99", micros, f.p99, 0),
			line("event to following next, p50", micros, f.cycle, 0),
		)
	}
	objects := line("heap objects per invocation", count, f.objects, 0)
	objects.most1 = t.targets.objects
	return append(lines,
		line("CPU per invocation", micros, f.cpu, t.targets.cpu),
		objects,
		line("heap per invocation", kib, f.heap, 0),
		line("cold start: exec to first next", millis, f.start, t.targets.start),
		line("memory at first next", mib, f.startMemory, 0),
		line("peak memory", mib, f.memory, t.targets.memory),
		line("stripped binary", mb, f.binary, t.targets.binary),
	)
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

var heapText = regexp.MustCompile(`([0-9]+) ([0-9]+)`)

// parseHeap finds what count.Heap has written in a response.
func parseHeap(response []byte) (objects, bytes float64, err error) {
	m := heapText.FindSubmatch(response)
	if m == nil {
		return 0, 0, fmt.Errorf("no count in %q", response)
	}
	if objects, err = strconv.ParseFloat(string(m[1]), 64); err != nil {
		return 0, 0, err
	}
	bytes, err = strconv.ParseFloat(string(m[2]), 64)
	return objects, bytes, err
}
