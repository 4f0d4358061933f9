package lambda

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// extensionName is how the process calls itself in Lambda's logs.
const extensionName = "berth-shutdown"

// extension makes this process an internal extension that wants no events:
// Lambda sends SIGTERM only where there is one, and waits with the first
// invocation until it is ready. stop ends it again.
//
// Where extensions are switched off, or a platform has none, the function runs
// as well, and is told that it won't hear of its end.
// Source: AWS Lambda developer guide, runtimes-extensions-api.
func (e *engine) extension(ctx context.Context, c *runtimeapi.Client) (stop func()) {
	warn := func(err error) {
		e.log().LogAttrs(ctx, slog.LevelWarn, "no notice of shutdown", slog.String("error", err.Error()))
	}
	id, err := c.Register(extensionName)
	if err != nil {
		warn(err)
		c.Close()
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer c.Close()
		if err := c.AwaitShutdown(id); err != nil && !errors.Is(err, runtimeapi.ErrInterrupted) {
			warn(err)
		}
	})
	return func() {
		c.Interrupt()
		wg.Wait()
	}
}
