package namespace

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
	"github.com/berthdev/berth/internal/sandbox/thread"
)

// BenchmarkStart is from Start to the function's first connection, and its end.
// The function is this test binary, whose own start is part of it.
func BenchmarkStart(b *testing.B) {
	tree, err := cgroup.Open(fmt.Sprintf("berth-bench-%d", os.Getpid()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := tree.Close(); err != nil {
			b.Error(err)
		}
	})
	b.Run("with cgroups", func(b *testing.B) { sandboxtest.Benchmark(b, New(Config{Cgroups: tree})) })
	b.Run("without cgroups", func(b *testing.B) { sandboxtest.Benchmark(b, New(Config{})) })
}

// BenchmarkIdle is what an environment that waits for work holds in memory: the
// stage and the function, each by its proportional share of what they share with
// others, and by what is its own.
func BenchmarkIdle(b *testing.B) {
	d := New(Config{})
	code := sandboxtest.Code(b)
	var all []*sandbox.Process
	for b.Loop() {
		spec := sandboxtest.Spec("hold", code)
		spec.ID = fmt.Sprintf("idle-%d-%d", os.Getpid(), len(all))
		p, err := d.Start(b.Context(), spec)
		if err != nil {
			b.Fatal(err)
		}
		conn, err := p.RuntimeAPI.Accept()
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close() // the function ends with it
		all = append(all, p)
	}
	for what, pid := range map[string]func(*process) int{
		"stage":    func(p *process) int { return p.stage },
		"function": func(p *process) int { return p.main },
	} {
		var pss, own int
		for _, p := range all {
			m := rollup(b, pid(p.Handle.(*process)))
			pss, own = pss+m["Pss"], own+m["Private_Dirty"]
		}
		b.ReportMetric(float64(pss)/float64(len(all)), "pss-KiB/"+what)
		b.ReportMetric(float64(own)/float64(len(all)), "own-KiB/"+what)
	}
	for _, p := range all {
		if err := p.Release(); err != nil {
			b.Error(err)
		}
	}
}

// rollup reads the sums of a process's memory, in KiB.
func rollup(b *testing.B, pid int) map[string]int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Skip(err)
	}
	m := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var name string
		var kb int
		if n, _ := fmt.Sscanf(strings.Replace(line, ":", " ", 1), "%s %d kB", &name, &kb); n == 2 {
			m[name] = kb
		}
	}
	return m
}

// BenchmarkSecondWall is what Landlock adds to each start, the thread that it
// takes included; BenchmarkSecondWall/thread is that thread alone.
func BenchmarkSecondWall(b *testing.B) {
	for name, f := range map[string]func() error{"thread": func() error { return nil }, "wall": secondWall} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var err error
				thread.Run(func() {
					if err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err == nil {
						err = f()
					}
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
