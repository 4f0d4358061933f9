package service

import (
	"context"
	"net/http"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
)

// Async takes asynchronous invocations.
type Async interface {
	// Accept returns when the event is safe: it outlives a crash from then on. Its
	// errors are those of Invoker.
	Accept(ctx context.Context, r invocation.Request) error
}

// accept is the operation Invoke with the invocation type Event.
// Source: AWS Lambda API reference, Invoke.
func (s *Service) accept(c *call, req invocation.Request) error {
	if s.async == nil {
		return &function.Refusal{Type: function.InvalidParameterValue,
			Message: "Berth keeps no state here, and so no asynchronous invocations: the invocation type can be RequestResponse or DryRun, not Event."}
	}
	if err := s.async.Accept(c.r.Context(), req); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("X-Amzn-Requestid", c.requestID)
	if req.TraceID != "" {
		h.Set("X-Amzn-Trace-Id", req.TraceID)
	}
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}
