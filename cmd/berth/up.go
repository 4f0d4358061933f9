package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/berthdev/berth/internal/fleet"
	"github.com/berthdev/berth/internal/platform"
	"github.com/berthdev/berth/internal/sandbox"
)

type upCommand struct {
	Template string `arg:"" optional:"" default:"." help:"A SAM template, or the folder that holds one (default: this folder)."`

	Gateway   string            `default:"127.0.0.1:3000" placeholder:"ADDR" help:"Where the template's first API listens; the next ones take the ports after it (default: ${default})."`
	Service   string            `default:"127.0.0.1:4566" placeholder:"ADDR" help:"Where Lambda's API listens (default: ${default})."`
	Isolation string            `placeholder:"DRIVER" help:"The weakest isolation to accept: namespace or process. Without it the strongest that this machine gives is taken."`
	Network   string            `default:"none" enum:"none,host" help:"What functions reach: none, or host, which lets tenants meet on the host's loopback (default: ${default})."`
	Parameter map[string]string `placeholder:"NAME=VALUE" help:"Values of the template's parameters."`

	Concurrency       int           `default:"1000" placeholder:"N" help:"Invocations under way at once, in all; 2,500 environments for every 1,000 (default: ${default})."`
	TenantConcurrency int           `placeholder:"N" help:"Invocations of one tenant of one function under way at once. Without it there is no limit, as on Lambda."`
	QueueTimeout      time.Duration `placeholder:"DURATION" help:"How long an invocation may wait for concurrency, in a queue that serves tenants in turn. Without it, it is refused at once, as on Lambda."`
	Spares            string        `default:"auto" placeholder:"N" help:"Initialised environments kept for tenants who have none yet, for each function with tenant isolation (default: ${default}, as many as new tenants came in the last ten seconds, from 1 to 8)."`
	IdleTimeout       time.Duration `default:"10m" placeholder:"DURATION" help:"How long an execution environment may be idle (default: ${default})."`
	FreezeAfter       time.Duration `default:"100ms" placeholder:"DURATION" help:"How long it is idle before it is frozen; negative: never (default: ${default})."`

	State            string        `placeholder:"DIR" type:"path" help:"Where asynchronous events and queues are kept until they are done. Without it, a folder for this template in ~/.local/state/berth."`
	AsyncConcurrency int           `default:"64" placeholder:"N" help:"Asynchronous events under way at once; one tenant gets at most half (default: ${default})."`
	AsyncRetryDelay  time.Duration `default:"1m" placeholder:"DURATION" help:"How long a failed asynchronous event waits for its first retry; for the second, twice as long (default: ${default}, as on Lambda)."`
	AWSEndpoint      string        `name:"aws-endpoint" placeholder:"URL" help:"Where destinations and dead-letter targets are that this machine doesn't have: topics, event buses, buckets, other queues."`

	Watch   bool `help:"Build a function again when its files change, and let it serve in place of the one before."`
	NoColor bool `env:"NO_COLOR" help:"Print without colour."`
	JSON    bool `name:"json" help:"Print one JSON object a line."`
	Verbose bool `short:"v" help:"Print what Berth itself has to say, too."`
}

func (*upCommand) Help() string {
	return `Builds the functions, serves Lambda's API and the template's APIs on this
machine's loopback, and prints a line for each invocation. Ctrl-C ends it, and
every execution environment with it.

Examples:
  berth up examples/multitenant
  berth up examples/multitenant --isolation namespace
  berth up --watch
  berth up template.yaml --gateway 127.0.0.1:8080 --json`
}

func (c *upCommand) Run(ctx context.Context, t terminal) error {
	bounds, err := c.fleet()
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if c.Verbose {
		level = slog.LevelDebug
	}
	var screen interface {
		platform.Observer
		Stopping()
		Stopped()
	} = newText(t.out, !c.NoColor && isTerminal(t.out))
	if c.JSON {
		screen = newLines(t.out)
	}
	p, err := platform.Open(ctx, platform.Config{
		Template:   c.Template,
		Parameters: c.Parameter,
		Gateway:    c.Gateway,
		Service:    c.Service,
		Isolation:  c.Isolation,
		Network:    sandbox.Network(c.Network),
		Fleet:      bounds,
		Async: platform.AsyncConfig{
			State: c.State, RetryDelay: c.AsyncRetryDelay, Concurrency: c.AsyncConcurrency, AWSEndpoint: c.AWSEndpoint,
		},
		Watch:    c.Watch,
		Observer: screen,
		Logger:   slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: level})),
	})
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("interrupted before anything was served")
	}
	if err != nil {
		return err
	}
	announce := context.AfterFunc(ctx, screen.Stopping)
	defer announce()
	err = p.Run(ctx)
	screen.Stopped()
	return err
}

// fleet is what the flags say of execution environments.
func (c *upCommand) fleet() (fleet.Config, error) {
	cfg := fleet.Config{
		Concurrency:       c.Concurrency,
		TenantConcurrency: c.TenantConcurrency,
		QueueTimeout:      c.QueueTimeout,
		IdleTimeout:       c.IdleTimeout,
		FreezeAfter:       c.FreezeAfter,
	}
	if c.Concurrency < 1 {
		return cfg, &problem{fmt.Errorf("--concurrency %d: at least 1 invocation must be possible", c.Concurrency), "--concurrency 1000"}
	}
	switch n, err := strconv.Atoi(c.Spares); {
	case c.Spares == "auto":
	case err != nil || n < 0:
		return cfg, &problem{fmt.Errorf("--spares %s is no number of environments", c.Spares), "--spares auto, or --spares 4"}
	case n == 0:
		cfg.Spares = -1
	default:
		cfg.Spares = n
	}
	return cfg, nil
}
