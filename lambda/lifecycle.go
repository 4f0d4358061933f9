package lambda

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// shutdownTime is how long a process with an internal extension has between
// SIGTERM and SIGKILL.
// Source: AWS Lambda developer guide, lambda-runtime-environment.
const shutdownTime = 500 * time.Millisecond

// drainTime is how much of it the invocations in flight may use.
const drainTime = shutdownTime / 2

// hook is something to do at both ends of a process; either may be nil.
type hook struct {
	open, close func(context.Context) error
}

// InitError says what kept a function from serving its first invocation.
type InitError struct{ Err error }

func (e *InitError) Error() string { return fmt.Sprintf("init: %v", e.Err) }
func (e *InitError) Unwrap() error { return e.Err }

// openAll opens the hooks in order, and returns those that have something to
// close. They are not all of them when there is an error.
func openAll(ctx context.Context, hooks []hook) (opened []hook, err error) {
	for _, h := range hooks {
		if h.open != nil {
			if err := guard(ctx, h.open); err != nil {
				return opened, err
			}
		}
		if h.close != nil {
			opened = append(opened, h)
		}
	}
	return opened, nil
}

// closeAll closes in the opposite order. One that fails doesn't keep the others
// from being closed; report is told of it.
func closeAll(ctx context.Context, opened []hook, report func(error)) {
	for _, h := range slices.Backward(opened) {
		if err := guard(ctx, h.close); err != nil {
			report(err)
		}
	}
}

// guard makes an error of a panic.
func guard(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	return f(ctx)
}
