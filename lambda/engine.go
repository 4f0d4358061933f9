package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// engine runs one handler: it asks for invocations and answers them, in as many
// loops as Lambda sends invocations at once.
type engine struct {
	*settings
	handler  Handler
	function Function
	tenants  binding
	alone    bool      // one invocation at a time: the process's environment is its own
	stopped  time.Time // when runUntil's context ended, if it has
}

func newEngine(h Handler, s *settings) *engine {
	memory, _ := strconv.Atoi(s.host.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	return &engine{
		settings: s,
		handler:  h,
		function: Function{
			Name:      s.host.Getenv("AWS_LAMBDA_FUNCTION_NAME"),
			Version:   s.host.Getenv("AWS_LAMBDA_FUNCTION_VERSION"),
			MemoryMB:  memory,
			LogGroup:  s.host.Getenv("AWS_LAMBDA_LOG_GROUP_NAME"),
			LogStream: s.host.Getenv("AWS_LAMBDA_LOG_STREAM_NAME"),
		},
	}
}

// runUntil is run that waits for invocations in flight no longer than drainTime
// after ctx has ended. A handler that takes no notice of its context is left
// behind: the process ends anyway.
func (e *engine) runUntil(ctx context.Context, clients []*runtimeapi.Client) error {
	served := make(chan error, 1)
	go func() { served <- e.run(ctx, clients) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	e.stopped = time.Now()
	late := time.NewTimer(drainTime)
	defer late.Stop()
	select {
	case err := <-served:
		return err
	case <-late.C:
		return nil
	}
}

// run serves on every client until ctx ends or one of them can't go on. It
// returns when all have stopped; an invocation that is being served is finished
// before. The error is that of the first that couldn't go on.
func (e *engine) run(ctx context.Context, clients []*runtimeapi.Client) error {
	interrupt := func() {
		for _, c := range clients {
			c.Interrupt()
		}
	}
	defer context.AfterFunc(ctx, interrupt)()
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
	)
	for _, c := range clients {
		wg.Go(func() {
			defer c.Close()
			err := error(errGoexit)
			defer func() {
				if err != nil {
					once.Do(func() { first = err; interrupt() })
				}
			}()
			err = e.loop(ctx, c)
		})
	}
	wg.Wait()
	return first
}

// errGoexit is the error of a handler that ended its goroutine, as a test's
// FailNow does.
var errGoexit = &Error{Type: "Runtime.Goexit", Message: "the handler called runtime.Goexit"}

// loop serves one invocation after the other.
func (e *engine) loop(ctx context.Context, c *runtimeapi.Client) error {
	x := &exchange{client: c, codec: e.codec}
	for {
		event, err := c.Next()
		if errors.Is(err, runtimeapi.ErrInterrupted) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := e.serve(ctx, x, event); err != nil {
			return err
		}
	}
}

// serve brings one event to the handler and the answer back. An error means that
// the loop can't go on.
func (e *engine) serve(ctx context.Context, x *exchange, event *runtimeapi.Event) error {
	inv := &invocationContext{
		Invocation: Invocation{
			RequestID:          event.RequestID,
			InvocationID:       event.InvocationID,
			TenantID:           event.TenantID,
			Deadline:           event.Deadline,
			InvokedFunctionARN: event.FunctionARN,
			TraceID:            event.TraceID,
			RawClientContext:   event.ClientContext,
			RawCognitoIdentity: event.CognitoIdentity,
			Function:           e.function,
		},
		parent: ctx,
	}
	if !event.Deadline.IsZero() {
		inv.deadline = event.Deadline.Add(-e.margin)
	}
	x.event, x.context, x.payload, x.stream, x.answered = event, inv, nil, nil, false
	if e.log().Enabled(inv, LevelTrace) {
		e.logHeaders(inv, event)
	}
	if e.alone && e.host.Setenv != nil && event.TraceID != x.traceID {
		if err := e.host.Setenv("_X_AMZN_TRACE_ID", event.TraceID); err != nil {
			return fmt.Errorf("set _X_AMZN_TRACE_ID: %w", err)
		}
		x.traceID = event.TraceID
	}
	if e.requireTenant {
		if err := e.tenants.admit(event.TenantID); err != nil {
			if stop := e.settle(x, err); stop != nil || event.TenantID == "" {
				return stop
			}
			return err // who mixes tenants must not get a second chance
		}
	}
	return e.settle(x, e.call(x))
}

// call runs the handler. A panic is an error.
func (e *engine) call(x *exchange) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			err = newPanicError(v)
			return
		}
		e.settle(x, errGoexit) // the goroutine ends here, whatever is returned
	}()
	err = e.handler.serve(x.context, x)
	returned = true
	return err
}

// settle ends an invocation: it sends the response or the error, if that is left
// to be done.
func (e *engine) settle(x *exchange, failure error) error {
	x.context.end(context.Canceled)
	var sent error
	switch {
	case failure == nil && x.stream != nil:
		sent = x.stream.Finish("", nil)
	case failure == nil && !x.answered:
		sent = x.client.Respond(x.event, jsonType, x.payload)
	case failure != nil:
		r := newReport(failure)
		e.logFailure(x, r)
		switch {
		case x.stream != nil && x.stream.Sent():
			body := base64.StdEncoding.AppendEncode(nil, r.json())
			sent = x.stream.Finish(r.telemetryType(), body)
		case !x.answered:
			sent = x.client.Fail(x.event, r.telemetryType(), r.json(), r.xrayCause())
		}
	}
	if sent = e.tolerate(x, sent); sent != nil {
		return sent
	}
	if p, ok := errors.AsType[*PanicError](failure); ok {
		return p
	}
	return nil
}

// tolerate decides what an answer that could not be delivered means. Lambda has
// refused it (the response is too large, the invocation's time was over), or the
// reader of a stream has gone: it is logged, and the next invocation may come.
// Anything else, 5xx among it, means that the runtime has to end.
func (e *engine) tolerate(x *exchange, err error) error {
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*runtimeapi.StatusError](err)
	if ok && refused.Status >= 500 || !ok && !errors.Is(err, ErrReaderGone) {
		return err
	}
	e.log().LogAttrs(x.context, slog.LevelError, "answer not delivered", slog.String("error", err.Error()))
	return nil
}

func (e *engine) log() *slog.Logger {
	if e.logger != nil {
		return e.logger
	}
	return slog.Default()
}

func (e *engine) logFailure(x *exchange, r report) {
	attrs := []slog.Attr{slog.String("errorType", r.Type), slog.String("errorMessage", r.Message)}
	if r.StackTrace != nil {
		attrs = append(attrs, slog.Any("stackTrace", r.StackTrace))
	}
	what := "invocation failed"
	if x.answered {
		what = "invocation failed after its response"
	}
	e.log().LogAttrs(x.context, slog.LevelError, what, attrs...)
}

func (e *engine) logHeaders(inv *invocationContext, event *runtimeapi.Event) {
	var attrs []slog.Attr
	for name, value := range event.Headers() {
		attrs = append(attrs, slog.String(name, value))
	}
	e.log().LogAttrs(inv, LevelTrace, "invocation", slog.GroupAttrs("headers", attrs...))
}
