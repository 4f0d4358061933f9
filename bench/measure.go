package main

import (
	"fmt"
	"math"
)

// unit says how a value is printed.
type unit string

const (
	micros unit = "µs"
	millis unit = "ms"
	kib    unit = "KiB"
	mib    unit = "MiB"
	mb     unit = "MB"
	mbps   unit = "MB/s"
	count  unit = ""
)

func (u unit) format(v float64) string {
	digits := 0
	switch {
	case u == count || v < 10:
		digits = 2
	case v < 100:
		digits = 1
	}
	s := fmt.Sprintf("%.*f", digits, v)
	if u != count {
		s += " " + string(u)
	}
	return s
}

// measure is one line of the table.
type measure struct {
	twins  string // "raw"
	name   string // "warm p50"
	unit   unit
	series series
	most   float64 // the ratio to stay below; 0 if there is none
	least  float64 // the ratio to reach; 0 if there is none
	most1  float64 // the value, not the ratio, to stay below; 0 if there is none
}

func (m measure) target() string {
	switch {
	case m.most > 0:
		return fmt.Sprintf("≤ %.2f", m.most)
	case m.least > 0:
		return fmt.Sprintf("≥ %.2f", m.least)
	case m.most1 > 0:
		return fmt.Sprintf("≤ %g in all", m.most1)
	}
	return ""
}

// verdict is "met", "missed", or "" when there is no target.
func (m measure) verdict() string {
	ratio, _, _ := m.series.ratio()
	met := true
	switch {
	case math.IsNaN(ratio):
		return ""
	case m.most > 0:
		met = ratio <= m.most
	case m.least > 0:
		met = ratio >= m.least
	case m.most1 > 0:
		met = median(m.series.ours) <= m.most1
	default:
		return ""
	}
	if met {
		return "met"
	}
	return "missed"
}
