package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printTable writes the measures for a person at a terminal.
func printTable(w io.Writer, ours string, measures []measure) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, tabbed(header(ours)))
	for _, m := range measures {
		fmt.Fprintln(t, tabbed(m.cells()))
	}
	return t.Flush()
}

// header names the columns of [measure.cells].
func header(ours string) []string {
	return []string{"twins", "measure", "aws-lambda-go", ours, "ratio", "spread", "target"}
}

func tabbed(cells []string) string {
	s := ""
	for _, c := range cells {
		s += c + "\t"
	}
	return s
}

// cells are the columns of one line: twins, measure, both medians, their ratio,
// its spread, and the target with what became of it.
func (m measure) cells() []string {
	ratio, low, high := m.series.ratio()
	spread := ""
	if len(m.series.ours) > 1 {
		spread = fmt.Sprintf("%.2f–%.2f", low, high)
	}
	target := m.target()
	if target != "" {
		target += ", " + m.verdict()
	}
	return []string{
		m.twins, m.name,
		m.unit.format(median(m.series.theirs)), m.unit.format(median(m.series.ours)),
		fmt.Sprintf("%.2f", ratio), spread, target,
	}
}

// printMarkdown writes the machine, the command and the measures for a file.
func printMarkdown(w io.Writer, machine []string, args []string, ours string, measures []measure) error {
	var b strings.Builder
	for _, line := range machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	fmt.Fprintf(&b, "- `%s`\n\n", strings.Join(append([]string{"go run ./bench"}, args...), " "))
	columns := header(ours)
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)))
	for _, m := range measures {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(m.cells(), " | "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
