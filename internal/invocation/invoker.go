package invocation

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
)

// Resolver finds the version that a name means. Its errors are *function.Refusal.
type Resolver interface {
	Resolve(name, qualifier string) (function.Resolved, error)
}

// Fleet has an execution environment serve an invocation, one that belongs to
// the version and the tenant.
type Fleet interface {
	Invoke(ctx context.Context, v *function.Version, inv environment.Invocation) (*environment.Answer, error)
}

// Invoker invokes functions. It is safe for concurrent use.
type Invoker struct {
	functions Resolver
	fleet     Fleet
}

// New returns an invoker of the functions that r knows.
func New(r Resolver, f Fleet) *Invoker { return &Invoker{functions: r, fleet: f} }

// The refusals of an invocation whose tenant ID doesn't fit its function. The
// first is Lambda's own text; of the second only the exception is known.
// Source: AWS Lambda developer guide, tenant-isolation-invoke and
// tenant-isolation-troubleshooting.
const (
	tenantMissing  = "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."
	tenantUnwanted = "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again."
)

// Check refuses what Invoke would refuse, and runs nothing: it is a dry run.
func (i *Invoker) Check(_ context.Context, r Request) error {
	_, err := i.resolve(r)
	return err
}

// Invoke runs the function and returns its answer, be it a success or a function
// error. Errors are *function.Refusal, or the cause of ctx's end, or a fault of
// this machine. If ctx ends, the invocation goes on without a listener.
func (i *Invoker) Invoke(ctx context.Context, r Request) (*Response, error) {
	target, err := i.resolve(r)
	if err != nil {
		return nil, err
	}
	if r.ID == "" {
		r.ID = uuid.NewString()
	}
	if r.TraceID == "" {
		r.TraceID = newTrace(time.Now())
	}
	if len(r.Payload) == 0 {
		r.Payload = []byte("{}")
	}
	answer, err := i.fleet.Invoke(ctx, target.Version, environment.Invocation{
		RequestID:     r.ID,
		InvokedARN:    target.InvokedARN,
		TraceID:       r.TraceID,
		Tenant:        r.Tenant,
		ClientContext: r.ClientContext,
		Payload:       r.Payload,
		Stream:        r.Stream,
	})
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", target.Version.Name, err)
	}
	response := &Response{
		RequestID:       r.ID,
		ExecutedVersion: target.Version.Number,
		Payload:         answer.Payload,
		TraceID:         r.TraceID,
		answer:          answer,
	}
	if answer.Stream != nil {
		response.Body, response.ContentType = answer.Stream, answer.ContentType
		return response, nil
	}
	if answer.FunctionError {
		response.FunctionError = "Unhandled"
	}
	if r.Tail {
		if response.LogTail, err = response.Tail(ctx); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// resolve finds the function and holds the tenant ID against it.
func (i *Invoker) resolve(r Request) (function.Resolved, error) {
	target, err := i.functions.Resolve(r.Function, r.Qualifier)
	switch {
	case err != nil:
		return function.Resolved{}, err
	case target.Version.TenantIsolation && r.Tenant == "":
		return function.Resolved{}, &function.Refusal{Type: function.InvalidParameterValue, Message: tenantMissing}
	case !target.Version.TenantIsolation && r.Tenant != "":
		return function.Resolved{}, &function.Refusal{Type: function.InvalidParameterValue, Message: tenantUnwanted}
	}
	return target, nil
}

// newTrace makes an X-Ray trace header for an invocation that came without one.
// Source: AWS X-Ray developer guide, xray-concepts (tracing header).
func newTrace(now time.Time) string {
	id := make([]byte, 12+8)
	rand.Read(id) // never fails
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), hex.EncodeToString(id[:12]), hex.EncodeToString(id[12:]))
}
