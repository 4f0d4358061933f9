package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/berthdev/berth/internal/sandbox/doctor"
)

type doctorCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (*doctorCommand) Help() string {
	return `Tries what Berth would do on this machine, and undoes it. Each line that is
not ok says why, and what to type or install. The exit status is 0 whatever is
found.

Examples:
  berth doctor
  berth doctor --json`
}

func (c *doctorCommand) Run(ctx context.Context, t terminal) error {
	r, err := doctor.Examine(ctx, "")
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(r)
	}
	return diagnose(t.out, r)
}

func diagnose(w io.Writer, r doctor.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		verdict := "ok"
		if !f.OK {
			verdict = "NO"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Kind, f.Name, verdict, f.Detail)
		if f.Fix != "" {
			fmt.Fprintf(table, "\t\t\t  try: %s\n", f.Fix)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nberth up takes the isolation %s here\n", r.Strongest)
	return err
}
