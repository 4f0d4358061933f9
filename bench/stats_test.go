package main

import "testing"

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
