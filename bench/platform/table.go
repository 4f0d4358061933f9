package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the result.
type row struct {
	measure, value, beside, ratio, target string
}

// table is the result.
type table struct {
	rows  []row
	notes []string
}

func (t *table) add(r row) { t.rows = append(t.rows, r) }

func (t *table) print(out io.Writer, markdown bool) error {
	cells := [][]string{{"measure", "berth", "beside it", "ratio", "target"}}
	for _, r := range t.rows {
		cells = append(cells, []string{r.measure, r.value, r.beside, r.ratio, r.target})
	}
	if markdown {
		cells = slices.Insert(cells, 1, []string{"---", "---", "---", "---", "---"})
		for _, c := range cells {
			fmt.Fprintf(out, "| %s |\n", strings.Join(c, " | "))
		}
	} else {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, c := range cells {
			fmt.Fprintln(w, strings.Join(c, "\t"))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, note := range t.notes {
		fmt.Fprintf(out, "\n%s\n", note)
	}
	return nil
}

// quantile of values, by the nearest rank; q is 0 to 1. There must be a value.
func quantile[T float64 | time.Duration](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
}

func size(bytes float64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.0f KiB", bytes/1024)
	}
	return fmt.Sprintf("%.1f MiB", bytes/(1<<20))
}

// atMost says what became of a target: value ≤ bound.
func atMost(text string, value, bound float64) string {
	return "≤ " + text + verdict(value <= bound)
}

func atLeast(text string, value, bound float64) string {
	return "≥ " + text + verdict(value >= bound)
}

func verdict(met bool) string {
	if met {
		return ", met"
	}
	return ", missed"
}

func ratio(a, b float64) string { return fmt.Sprintf("%.2f", a/b) }
