package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/berthdev/berth/bench/internal/twin"
)

// bench is the command.
func bench(ctx context.Context, args []string, stdout, progress io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "berth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	debug.SetGCPercent(-1) // a collection here would be a pause in somebody's invocation

	before := machine()
	var measures []measure
	for _, t := range allTwins() {
		if len(o.only) > 0 && !o.only[t.name] {
			continue
		}
		const twinsAt = "github.com/berthdev/berth/bench/twins/"
		theirs, err := twin.Build(ctx, twinsAt+t.name+"/awslambdago", dir)
		if err != nil {
			return err
		}
		ours, err := twin.Build(ctx, twinsAt+t.name+"/"+o.ours, dir)
		if err != nil {
			return err
		}
		m, err := run(ctx, t, theirs, ours, o.sizes, progress)
		if err != nil {
			return err
		}
		measures = append(measures, m...)
	}
	if len(measures) == 0 {
		return fmt.Errorf("no twins are called so")
	}
	if o.markdown {
		return printMarkdown(stdout, before, args, o.ours, measures)
	}
	return printTable(stdout, o.ours, measures)
}
