// Command bench compares functions on Berth's runtime library with the same
// functions on aws-lambda-go, in one interleaved run.
//
//	go run ./bench
//	go run ./bench -apart
//	go run ./bench -twins raw,typed -markdown
//
// It builds both, drives them with a Runtime API of its own, and prints medians,
// ratios, and the spread of the ratios over the blocks of the run. It needs Linux.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sizes of a run.
type sizes struct {
	blocks, invocations, warmup, starts int

	apart bool // function and Runtime API on processors of their own
}

// options are the flags of the command.
type options struct {
	sizes
	only     map[string]bool // names of twins; empty means all
	ours     string          // the folder of the second twin
	markdown bool
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.blocks, "blocks", 40, "blocks of invocations for each twin")
	flags.IntVar(&o.invocations, "n", 250, "invocations in a block")
	flags.IntVar(&o.warmup, "warmup", 1000, "invocations before the first block")
	flags.IntVar(&o.starts, "starts", 40, "cold starts of each twin")
	flags.BoolVar(&o.apart, "apart", false, "give the function and its Runtime API a processor each")
	flags.BoolVar(&o.markdown, "markdown", false, "print machine, command and table as Markdown, for RESULTS.md")
	flags.StringVar(&o.ours, "ours", "berth", "what to compare with aws-lambda-go; \"floor\" is a bare loop on net.Conn, for raw and stream")
	only := flags.String("twins", "", "only these, such as `raw,typed`")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.only = map[string]bool{}
	for name := range strings.SplitSeq(*only, ",") {
		if name != "" {
			o.only[name] = true
		}
	}
	return o, nil
}
