package lambda

import (
	"context"
	"errors"
	"sync"
)

var (
	// ErrResponded is returned by a second call of respond in a [Background]
	// handler.
	ErrResponded = errors.New("the invocation has been responded to already")

	// ErrNoResponse is the error of a handler that ended without an error and
	// without a response.
	ErrNoResponse = &Error{Type: "NoResponse", Message: "the handler returned without a response"}

	errReturned = errors.New("the handler has returned already")
)

// Background makes a handler of a function that answers by respond and may then
// go on working. The caller has its answer when respond returns; the invocation,
// and what it costs, lasts until the function returns or the deadline ends it.
//
// respond can be called once, from any goroutine, while the function runs. An
// error returned after it comes too late for the caller, and is logged.
func Background[E, R any](handle func(ctx context.Context, event E, respond func(R) error) error) Handler {
	return Handler{func(ctx context.Context, x *exchange) error {
		event, err := decode[E](x)
		if err != nil {
			return err
		}
		b := &background{x: x}
		defer b.close()
		err = handle(ctx, event, func(response R) error {
			payload, err := encode(x, response)
			if err != nil {
				return err
			}
			return b.respond(payload)
		})
		if err == nil && !b.close() {
			return ErrNoResponse
		}
		return err
	}}
}

// background guards an exchange against a respond that comes twice or too late.
type background struct {
	mu       sync.Mutex
	x        *exchange
	returned bool
}

func (b *background) respond(payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.returned:
		return errReturned
	case b.x.answered:
		return ErrResponded
	}
	b.x.answered = true
	return b.x.client.Respond(b.x.event, jsonType, payload)
}

// close takes the exchange away from respond, and reports whether it has been
// answered.
func (b *background) close() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.returned = true
	return b.x.answered
}
