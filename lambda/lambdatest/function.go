package lambdatest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/internal/host"
)

// Function is a function that runs, and the Runtime API that it runs on.
type Function struct {
	*RuntimeAPI

	signal func() // asks it to end
	kill   func() // makes it end
	ended  chan struct{}
	err    error // how it ended; written before ended is closed
}

// Start runs a handler in the test's process until the end of the test. It is
// lambda.Run with the options given, with these differences: the Runtime API is
// reached without a network, so that a test may stand in a bubble of
// testing/synctest, and what package lambda logs is shown with the test. The
// environment variables of a function that Lambda sets have values of their own,
// every other one is the process's.
//
// A panic of the handler ends the function and not the test.
func Start(t testing.TB, h lambda.Handler, options ...lambda.Option) *Function {
	t.Helper()
	l := newPipes()
	api := serve(t, l)
	env := map[string]string{}
	for _, v := range api.Env() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	options = append([]lambda.Option{
		lambda.WithLogger(slog.New(lambda.NewLogHandler(t.Output(), lambda.LogOptionsFromEnv()))),
	}, options...)
	options = append(options, lambda.WithHost(host.Host{
		Getenv: func(key string) string {
			if v, ok := env[key]; ok {
				return v
			}
			return os.Getenv(key)
		},
		Dial: func(string, bool) (io.ReadWriteCloser, error) { return l.dial() },
	}))
	ctx, cancel := context.WithCancel(context.Background())
	return api.run(t, cancel, cancel, func() error { return lambda.Run(ctx, h, options...) })
}

// Command starts a function's process, whatever it is made with, and kills it at
// the end of the test. The variables that Lambda sets come last in its
// environment; if cmd.Env is nil, there are no others than these and PATH. What
// the process prints is shown with the test, unless cmd sends it elsewhere.
func Command(t testing.TB, cmd *exec.Cmd) *Function {
	t.Helper()
	api := NewRuntimeAPI(t)
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	}
	cmd.Env = append(cmd.Env, api.Env()...)
	if cmd.Stdout == nil {
		cmd.Stdout = t.Output()
	}
	if cmd.Stderr == nil {
		cmd.Stderr = t.Output()
	}
	if err := cmd.Start(); err != nil {
		t.Fatal("lambdatest: ", err)
	}
	terminate := func() { cmd.Process.Signal(syscall.SIGTERM) }
	kill := func() { cmd.Process.Kill() }
	return api.run(t, terminate, kill, cmd.Wait)
}

// run has a function run until it ends by itself, or the test does.
func (a *RuntimeAPI) run(t testing.TB, signal, kill func(), run func() error) *Function {
	f := &Function{RuntimeAPI: a, signal: signal, kill: kill, ended: make(chan struct{})}
	go func() { // the cleanup below waits for it
		defer close(f.ended)
		f.err = run()
		a.end(&ExitError{f.err})
	}()
	t.Cleanup(func() {
		f.kill()
		<-f.ended
	})
	return f
}

// Stop asks the function to end, as Lambda does with SIGTERM, and waits until it
// has. When ctx ends first, the function is killed. The error is that of
// lambda.Run, or an *exec.ExitError.
func (f *Function) Stop(ctx context.Context) error {
	f.signal()
	return f.Wait(ctx)
}

// Wait waits until the function ends by itself and returns what [Function.Stop]
// returns. When ctx ends first, the function is killed.
func (f *Function) Wait(ctx context.Context) error {
	select {
	case <-f.ended:
	case <-ctx.Done():
		f.kill()
		<-f.ended
		return errors.Join(context.Cause(ctx), f.err)
	}
	return f.err
}

// pipes is a listener whose connections never leave the process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "127.0.0.1:9001" } // where Lambda used to have it
