package sandboxtest

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// Benchmark measures what a new environment costs: from Start to the first
// connection that the function makes to its Runtime API, and what its end takes.
// The test binary must call [Act] in TestMain.
func Benchmark(b *testing.B, d Starter) {
	code := Code(b)
	var ready, gone []time.Duration
	n := 0
	for b.Loop() {
		n++
		begin := time.Now()
		spec := Spec("hold", code)
		spec.ID = fmt.Sprintf("bench-%d-%d", os.Getpid(), n)
		p, err := d.Start(b.Context(), spec)
		if err != nil {
			b.Fatal(err)
		}
		conn, err := p.RuntimeAPI.Accept()
		if err != nil {
			b.Fatal(err)
		}
		ready = append(ready, time.Since(begin))
		begin = time.Now()
		if err := p.Release(); err != nil {
			b.Fatal(err)
		}
		gone = append(gone, time.Since(begin))
		if err := conn.Close(); err != nil {
			b.Fatal(err)
		}
		if _, err := p.Output.Read(make([]byte, 1)); err == nil {
			b.Fatal("the function wrote something")
		}
	}
	report := func(name string, took []time.Duration) {
		slices.Sort(took)
		for _, q := range []int{50, 99} {
			b.ReportMetric(float64(took[(len(took)-1)*q/100].Microseconds())/1000, fmt.Sprintf("p%d-ms/%s", q, name))
		}
	}
	report("ready", ready)
	report("release", gone)
}
