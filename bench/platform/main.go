// Command platform measures Berth itself, beside AWS's Runtime Interface Emulator
// and a plain HTTP server that echoes, in one interleaved run.
//
//	go run ./bench/platform
//	go run ./bench/platform -tenants 200 -calls 2000
//	go run ./bench/platform -emulator /path/to/aws-lambda-rie -markdown
//
// It builds Berth, a function that gives back its event, and the emulator (from
// the Go module proxy, in a scratch folder), drives them over loopback with one
// lean client, and prints medians, ratios, and what became of the targets. Where
// the emulator can't be had it says so, and goes on without it. It needs Linux,
// and for 2,500 tenants some 12 GB of memory.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// options are the flags of the command.
type options struct {
	blocks, calls      int // of the comparison: blocks of so many calls
	starts             int // new tenants, and starts of berth up
	tenants, overCalls int // live tenants, and the calls over all of them
	emulator           string
	markdown           bool
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("platform", flag.ContinueOnError)
	flags.IntVar(&o.blocks, "blocks", 20, "blocks of calls for each peer")
	flags.IntVar(&o.calls, "n", 200, "calls in a block")
	flags.IntVar(&o.starts, "starts", 30, "new tenants with and without spares, and starts of berth up")
	flags.IntVar(&o.tenants, "tenants", 2500, "live tenants")
	flags.IntVar(&o.overCalls, "calls", 10_000, "calls over all live tenants")
	flags.StringVar(&o.emulator, "emulator", "", "AWS's Runtime Interface Emulator, if it is built already: its `path`")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown, for RESULTS.md")
	return o, flags.Parse(args)
}

func main() {
	beEcho()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "platform:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	w, err := newWorkshop(ctx, o.emulator)
	if err != nil {
		return err
	}
	defer w.close()

	var t table
	for _, step := range []struct {
		name string
		do   func(context.Context, *workshop, options, *table) error
	}{
		{"warm calls", compare},
		{"new tenants", newTenants},
		{"the start", start},
		{"many tenants", manyTenants},
	} {
		fmt.Fprintf(os.Stderr, "platform: measuring %s\n", step.name)
		if err := step.do(ctx, w, o, &t); err != nil {
			return fmt.Errorf("measure %s: %w", step.name, err)
		}
	}
	t.notes = append(t.notes, w.missing...)
	return t.print(out, o.markdown)
}
