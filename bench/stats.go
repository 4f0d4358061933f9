package main

import (
	"math"
	"slices"
)

// quantile of values, by linear interpolation; q is 0 to 1. It does not change
// values, of which there must be one.
func quantile(values []float64, q float64) float64 {
	v := slices.Sorted(slices.Values(values))
	at := q * float64(len(v)-1)
	low := int(at)
	if low == len(v)-1 {
		return v[low]
	}
	return v[low] + (at-float64(low))*(v[low+1]-v[low])
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// series is one measure of both twins: one value for each block. Values of the
// same index were taken one right after the other.
type series struct {
	theirs, ours []float64
}

// ratio is that of the medians. low and high are the first and the last decile
// of the ratios of the single blocks: what a noisy machine does to the figure.
func (s series) ratio() (ratio, low, high float64) {
	pairs := make([]float64, min(len(s.theirs), len(s.ours)))
	for i := range pairs {
		pairs[i] = s.ours[i] / s.theirs[i]
	}
	if len(pairs) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	return median(s.ours) / median(s.theirs), quantile(pairs, 0.1), quantile(pairs, 0.9)
}
