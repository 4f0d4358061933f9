package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// Start serves invocations with h for as long as the process lives, which is
// until Lambda ends it. It is the last call of main, and does not return.
//
// If slog's default logger has not been replaced, it gets the handler of
// [NewLogHandler], writing to standard error.
//
// Exit status: 0 after SIGTERM, 2 after a panic, 1 when init failed, the Runtime
// API can't be understood or reached, or there is none.
func Start(h Handler, opts ...Option) {
	s := newSettings(opts)
	s.signals = true
	if s.logger == nil && !replaced(slog.Default()) {
		slog.SetDefault(slog.New(NewLogHandler(os.Stderr, logOptions(s.host.Getenv))))
	}
	err := run(context.Background(), h, s)
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, ErrNotLambda):
		fmt.Fprintln(os.Stderr, err)
	default:
		if _, ok := errors.AsType[*PanicError](err); ok {
			os.Exit(2) // it has been logged
		}
		newEngine(h, s).log().Error("runtime stops", slog.String("error", err.Error()))
	}
	os.Exit(1)
}

// replaced reports whether a program has chosen a logger. slog's own has a type
// without a name that could be asked for.
func replaced(l *slog.Logger) bool {
	return fmt.Sprintf("%T", l.Handler()) != "*slog.defaultHandler"
}

// ErrNotLambda says that there is nothing to serve, and what to do about it.
var ErrNotLambda = errors.New(`this is an AWS Lambda function: type "berth up" in its folder to run it here (no AWS_LAMBDA_RUNTIME_API is set)`)

// Run is [Start] for those who keep the process. It serves until ctx ends, and
// then returns nil when the invocations in flight have been answered, or 250 ms
// later, and it has called what [OnShutdown] and [Services] left to do.
// The error is ErrNotLambda, *InitError, *PanicError, *TenantError, or says what
// the Runtime API did.
func Run(ctx context.Context, h Handler, opts ...Option) error {
	return run(ctx, h, newSettings(opts))
}

func run(ctx context.Context, h Handler, s *settings) error {
	address := s.host.Getenv("AWS_LAMBDA_RUNTIME_API")
	if address == "" {
		return ErrNotLambda
	}
	concurrency, err := strconv.Atoi(s.host.Getenv("AWS_LAMBDA_MAX_CONCURRENCY"))
	if err != nil || concurrency < 1 {
		concurrency = 1
	}
	connect := func(poll bool) *runtimeapi.Client {
		return runtimeapi.New(address, func() (io.ReadWriteCloser, error) { return s.host.Dial(address, poll) })
	}
	clients := make([]*runtimeapi.Client, concurrency)
	for i := range clients {
		clients[i] = connect(concurrency > 1)
	}
	e := newEngine(h, s)
	e.alone = concurrency == 1

	opened, err := openAll(ctx, s.hooks)
	shutdown := func() {
		since := time.Now()
		if !e.stopped.IsZero() {
			since = e.stopped
		}
		ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), since.Add(shutdownTime))
		defer cancel()
		closeAll(ctx, opened, func(err error) {
			e.log().LogAttrs(ctx, slog.LevelError, "shutdown", slog.String("error", err.Error()))
		})
	}
	if err != nil {
		defer shutdown()
		return e.failInit(clients[0], err)
	}
	if len(opened) > 0 && s.signals {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGTERM)
		defer stop()
		defer e.extension(ctx, connect(true))()
	}
	err = e.runUntil(ctx, clients)
	if _, ok := errors.AsType[*PanicError](err); !ok {
		shutdown()
	}
	return err
}

// failInit tells Lambda why there will be no first invocation.
func (e *engine) failInit(c *runtimeapi.Client, err error) error {
	defer c.Close()
	r := newReport(err)
	return &InitError{errors.Join(err, c.FailInit(r.telemetryType(), r.json()))}
}
