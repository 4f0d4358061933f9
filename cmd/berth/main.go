// Command berth is AWS Lambda on this machine, with an execution environment of
// its own for every tenant.
//
// Exit status: 0 success; 1 Berth could not do it; 2 the command line is wrong;
// 3 the function answered with an error (berth invoke).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/berthdev/berth/internal/prove"
	"github.com/berthdev/berth/internal/sandbox/namespace"
)

// The exit statuses.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitFunction = 3
)

// commands is the command line: one field, one file, one command.
type commands struct {
	New     newCommand     `cmd:"" help:"Write a new project that runs as it is."`
	Up      upCommand      `cmd:"" help:"Run the functions of a template, with their APIs."`
	Invoke  invokeCommand  `cmd:"" help:"Invoke a function that runs here."`
	Build   buildCommand   `cmd:"" help:"Build the functions of a template for Lambda."`
	Package packageCommand `cmd:"" help:"Build them, and put each into a zip that Lambda takes."`
	Tenants tenantsCommand `cmd:"" help:"Show the live execution environments, by tenant."`
	Prove   proveCommand   `cmd:"" help:"Try a function's walls, and show what its tenants would share without them."`
	Doctor  doctorCommand  `cmd:"" help:"Say what this machine can isolate, and what to install or set."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// terminal is what a command reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	namespace.Stage() // returns at once, unless this process is the inside of a sandbox
	prove.Inside()    // likewise, unless it is the probe of berth prove
	os.Exit(run(os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// run parses args, runs the command, and returns the exit status.
func run(args []string, t terminal) int {
	// A closed terminal ends Berth as Ctrl-C does. A second signal ends it at
	// once: the environments notice, and end too.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)
	// Output that nobody reads any more is no reason to leave without cleaning up.
	signal.Ignore(syscall.SIGPIPE)

	var c commands
	helped := false
	parser, err := kong.New(&c,
		kong.Name("berth"),
		kong.Description("AWS Lambda on this machine, with an execution environment of its own for every tenant."),
		kong.Writers(t.out, t.err),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Bind(t),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		panic(err) // the struct tags above are wrong
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return exitOK
	case err != nil:
		fmt.Fprintln(t.err, "berth:", err)
		fmt.Fprintln(t.err, "  try: berth --help")
		return exitUsage
	}
	err = parsed.Run()
	if err == nil {
		return exitOK
	}
	var functionError *functionError
	if errors.As(err, &functionError) {
		return exitFunction // the payload says it all
	}
	report(t.err, err)
	return exitFailure
}

// report prints what went wrong, a line for each problem, and below it what to
// type.
func report(w io.Writer, err error) {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, one := range many.Unwrap() {
			report(w, one)
		}
		return
	}
	fmt.Fprintln(w, "berth:", err)
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		fmt.Fprintln(w, "  try:", hinted.Hint())
	}
}

// problem is an error with a way out.
type problem struct {
	err  error
	hint string
}

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }
func (p *problem) Hint() string  { return p.hint }
