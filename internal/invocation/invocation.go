// Package invocation carries one event to one function and brings back its
// answer, by Lambda's rules.
//
// An [Invoker] resolves the function's name, checks the tenant ID and the size
// of the event, and hands the event to the fleet. [Async] does so for callers who
// don't wait: it accepts an event, and sees to it until the event is done. The
// package knows nothing of HTTP, nor of who called.
package invocation

import (
	"context"
	"io"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
)

// Request is one event for one function.
type Request struct {
	ID        string // a UUID; "" to have one made
	Function  string // name, partial ARN or full ARN
	Qualifier string // "" if the caller gave none beside the name
	Tenant    function.TenantID

	Payload       []byte // JSON; empty means {}
	ClientContext []byte // JSON, already decoded from base64; nil if there is none
	TraceID       string // X-Amzn-Trace-Id as it came, or "" to have one made

	// Tail asks for the last 4 KB of the invocation's log. The answer then waits
	// for the end of the invocation, not only for its response.
	Tail bool

	// Stream says that the caller takes a streamed response as it comes. Without
	// it a streamed response is collected.
	Stream bool
}

// Response is what the function answered. It is a success or a function error;
// whatever kept the function from being invoked is an error instead.
type Response struct {
	RequestID       string
	ExecutedVersion string // "$LATEST" or a number
	Payload         []byte // whole, unless Body is set
	FunctionError   string // "Unhandled", or "" on success
	LogTail         []byte // when Request.Tail was set, and Body is not
	TraceID         string

	// Body is the response of a function that is still writing it; only if
	// Request.Stream was set, and nil when the function answered whole. It ends
	// with io.EOF, or with a *StreamError. Whoever gets one reads it to its end,
	// or closes it, which the function notices.
	Body        io.ReadCloser
	ContentType string // of Body, as the runtime gave it

	answer *environment.Answer
}

// StreamError is the end of a Body whose function failed midway.
type StreamError = environment.StreamError

// Tail waits for the end of the invocation and returns the last 4 KB of its log.
// It is for those who have read Body to its end.
func (r *Response) Tail(ctx context.Context) ([]byte, error) {
	select {
	case <-r.answer.Done():
		return r.answer.Tail(), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
