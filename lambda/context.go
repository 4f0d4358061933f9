package lambda

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrDeadline is the cause of a context that ended because its invocation's time
// is nearly up; its Err is [context.DeadlineExceeded].
var ErrDeadline = errors.New("the invocation's time is up")

// invocationContext is a handler's context. Together with the invocation it is
// one allocation: the timer and the channel of a context that can end are made
// only when somebody asks how it ends, and most handlers never do.
type invocationContext struct {
	Invocation
	parent   context.Context
	deadline time.Time // the zero time means none

	mu     sync.Mutex
	std    context.Context // made by standard
	cancel context.CancelCauseFunc
	stop   context.CancelFunc
	ended  error // the cause; set by end
}

// standard returns the context of package context that this one stands for.
func (c *invocationContext) standard() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.std == nil {
		c.std, c.cancel = context.WithCancelCause(c.parent)
		if !c.deadline.IsZero() {
			c.std, c.stop = context.WithDeadlineCause(c.std, c.deadline, ErrDeadline)
		}
		if c.ended != nil {
			c.release()
		}
	}
	return c.std
}

// end cancels the context. The first cause stays.
func (c *invocationContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = cause
		if c.std != nil {
			c.release()
		}
	}
}

func (c *invocationContext) release() {
	c.cancel(c.ended)
	if c.stop != nil {
		c.stop() // the timer's
	}
}

func (c *invocationContext) Deadline() (time.Time, bool) {
	if at, ok := c.parent.Deadline(); ok && (c.deadline.IsZero() || at.Before(c.deadline)) {
		return at, true
	}
	return c.deadline, !c.deadline.IsZero()
}

func (c *invocationContext) Done() <-chan struct{} { return c.standard().Done() }
func (c *invocationContext) Err() error            { return c.standard().Err() }

func (c *invocationContext) Value(key any) any {
	if key == (invocationKey{}) {
		return &c.Invocation
	}
	// Package context asks here for its own context too, to hang children on.
	return c.standard().Value(key)
}

func (c *invocationContext) String() string { return "lambda invocation " + c.RequestID }
