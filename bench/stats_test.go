package main

import (
	"strings"
	"testing"
)

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{7}, 0.5, 7},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 3, 2}, 0.5, 2.5},
		{[]float64{0, 10}, 0.9, 9},
		{[]float64{1, 2, 3}, 1, 3},
	} {
		if got := quantile(c.values, c.q); got != c.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", c.values, c.q, got, c.want)
		}
	}
}

func TestTheSpreadIsThatOfNeighbours(t *testing.T) {
	// The machine became half as fast midway: both twins felt it, the ratio did not.
	s := series{theirs: []float64{100, 100, 200, 200}, ours: []float64{40, 40, 80, 80}}
	if ratio, low, high := s.ratio(); ratio != 0.4 || low != 0.4 || high != 0.4 {
		t.Errorf("ratio %v, spread %v to %v, want 0.4 throughout", ratio, low, high)
	}
}

func TestVerdict(t *testing.T) {
	of := func(theirs, ours float64) series { return series{[]float64{theirs}, []float64{ours}} }
	for _, c := range []struct {
		name string
		m    measure
		want string
	}{
		{"as low as it has to be", measure{series: of(100, 42), most: 0.42}, "met"},
		{"not as low", measure{series: of(100, 43), most: 0.42}, "missed"},
		{"as high as it has to be", measure{series: of(100, 200), least: 2}, "met"},
		{"not as high", measure{series: of(100, 199), least: 2}, "missed"},
		{"a value of ours, whatever theirs is", measure{series: of(1, 3), most1: 3}, "met"},
		{"and one too many", measure{series: of(1000, 3.5), most1: 3}, "missed"},
		{"nothing was asked for", measure{series: of(1, 1)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.m.verdict(); got != c.want {
				t.Errorf("verdict %q, want %q", got, c.want)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	m := measure{twins: "raw", name: "warm p50", unit: micros, most: 0.42,
		series: series{[]float64{100, 102, 104}, []float64{11, 11, 11}}}
	if err := printMarkdown(&b, []string{"a machine"}, []string{"-apart"}, "berth", []measure{m}); err != nil {
		t.Fatal(err)
	}
	const want = "- a machine\n- `go run ./bench -apart`\n\n" +
		"| twins | measure | aws-lambda-go | berth | ratio | spread | target |\n" +
		"| --- | --- | --- | --- | --- | --- | --- |\n" +
		"| raw | warm p50 | 102 µs | 11.0 µs | 0.11 | 0.11–0.11 | ≤ 0.42, met |\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
