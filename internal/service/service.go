// Package service is the AWS Lambda service API as AWS SDKs speak it: REST with
// JSON bodies, named operations, typed exceptions.
//
// A [Service] turns a request into an operation, an operation into a call on the
// function registry or the invoker, and a refusal into the status code, headers
// and body that an SDK expects. It knows nothing of environments, tenants'
// placement or event shapes, and it checks no signatures.
package service

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
)

// Invoker runs functions. Both methods answer with a *function.Refusal when the
// request can't be carried out; any other error is Berth's own fault.
type Invoker interface {
	// Invoke returns when the function has answered, or ctx ends.
	Invoke(ctx context.Context, r invocation.Request) (*invocation.Response, error)
	// Check says what Invoke would refuse before it runs anything.
	Check(ctx context.Context, r invocation.Request) error
}

// Config is what a Service can do without.
type Config struct {
	Async       Async                        // nil refuses asynchronous invocations
	EventInvoke *function.EventInvokeConfigs // what they are set to; nil is an empty collection
	Sources     EventSources                 // nil refuses event source mappings
	Queues      Queues                       // what they can take from; needed with Sources
	Logger      *slog.Logger                 // the causes of 500s go here; nil discards
}

// Service is an http.Handler and safe for concurrent use. It reads the path as
// the client escaped it, so it must not stand behind an http.ServeMux, which
// redirects paths that it would clean.
type Service struct {
	invoker     Invoker
	registry    *function.Registry
	async       Async
	eventInvoke *function.EventInvokeConfigs
	sources     EventSources
	queues      Queues
	log         *slog.Logger
}

// New returns the API of the functions in registry, run by invoker.
func New(invoker Invoker, registry *function.Registry, cfg Config) *Service {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	configs := cfg.EventInvoke
	if configs == nil {
		configs = function.NewEventInvokeConfigs()
	}
	return &Service{invoker: invoker, registry: registry, async: cfg.Async, eventInvoke: configs, sources: cfg.Sources, queues: cfg.Queues, log: log}
}

// call is one request on its way through an operation.
type call struct {
	w         http.ResponseWriter
	r         *http.Request
	requestID string            // of the answer's header, and of an invocation's log
	labels    map[string]string // the path's variables, decoded: "FunctionName"
}

// ServeHTTP carries out one operation.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{w: w, r: r}
	if err := s.serve(c); err != nil {
		s.refuse(c, err)
	}
}

func (s *Service) serve(c *call) error {
	var err error
	if c.requestID, err = requestID(c.r.Header); err != nil {
		return err
	}
	op, labels := findOperation(c.r.Method, c.r.URL.EscapedPath(), c.r.URL.Query())
	c.labels = labels
	if s.sources != nil {
		if do := sourceOperations[op]; do != nil {
			return do(s, c)
		}
	}
	switch op {
	case "Invoke":
		return s.invoke(c)
	case "InvokeWithResponseStream":
		return s.invokeWithResponseStream(c)
	case "ListFunctions":
		return s.listFunctions(c)
	case "GetFunction":
		return s.getFunction(c)
	case "GetFunctionConfiguration":
		return s.getFunctionConfiguration(c)
	case "PutFunctionEventInvokeConfig":
		return s.putEventInvokeConfig(c)
	case "UpdateFunctionEventInvokeConfig":
		return s.updateEventInvokeConfig(c)
	case "GetFunctionEventInvokeConfig":
		return s.getEventInvokeConfig(c)
	case "DeleteFunctionEventInvokeConfig":
		return s.deleteEventInvokeConfig(c)
	case "ListFunctionEventInvokeConfigs":
		return s.listEventInvokeConfigs(c)
	case "":
		return &function.Refusal{Type: unknownOperation,
			Message: "Lambda's API has no operation at " + c.r.Method + " " + c.r.URL.EscapedPath()}
	default:
		return &function.Refusal{Type: unsupportedOperation,
			Message: "Berth does not have Lambda's operation " + op + " yet"}
	}
}

// requestID is the ID that the caller chose for the request, or a new one. On a
// refusal it is a new one too, for the answer's header.
// Source: AWS Lambda API reference, Invoke.
func requestID(h http.Header) (string, error) {
	given := h.Get("X-Amzn-RequestId")
	if given == "" {
		return uuid.NewString(), nil
	}
	if len(given) != 36 || uuid.Validate(given) != nil {
		return uuid.NewString(), &function.Refusal{Type: function.InvalidRequestContent,
			Message: "The request ID in x-amzn-RequestId is not a UUID: " + given}
	}
	return given, nil
}

// refuse answers with err, in the shape that its type has on AWS. What has no
// shape is a fault of ours: the log gets the cause, the caller only hears of it.
func (s *Service) refuse(c *call, err error) {
	var refusal *function.Refusal
	if !errors.As(err, &refusal) || shapes[refusal.Type].status == 0 {
		refusal = &function.Refusal{Type: function.ServiceFailure, Message: ownFault}
	}
	if refusal.Type == function.ServiceFailure && c.r.Context().Err() == nil {
		s.log.LogAttrs(c.r.Context(), slog.LevelError, "request failed",
			slog.String("requestId", c.requestID), slog.String("path", c.r.URL.Path), slog.Any("error", err))
	}
	writeRefusal(c.w, c.requestID, refusal)
}
