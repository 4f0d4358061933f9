package otellambda

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/trace"

	"github.com/berthdev/berth/lambda"
)

// Func traces the function of [lambda.Func] or [lambda.Bytes].
func Func[E, R any](t *Tracer, handle func(context.Context, E) (R, error)) func(context.Context, E) (R, error) {
	return func(ctx context.Context, event E) (response R, err error) {
		ctx, end := t.Start(ctx)
		defer finish(end, &err)
		return handle(ctx, event)
	}
}

// Stream traces the function of [lambda.Stream]. The span lasts as long as the
// stream is written.
func Stream[E any](t *Tracer, handle func(context.Context, E, *lambda.ResponseWriter) error) func(context.Context, E, *lambda.ResponseWriter) error {
	return func(ctx context.Context, event E, w *lambda.ResponseWriter) (err error) {
		ctx, end := t.Start(ctx)
		defer finish(end, &err)
		return handle(ctx, event, w)
	}
}

// Background traces the function of [lambda.Background]. The span has an event,
// "responded", at the end of what the caller waits for.
func Background[E, R any](t *Tracer, handle func(context.Context, E, func(R) error) error) func(context.Context, E, func(R) error) error {
	return func(ctx context.Context, event E, respond func(R) error) (err error) {
		ctx, end := t.Start(ctx)
		defer finish(end, &err)
		return handle(ctx, event, func(response R) error {
			err := respond(response)
			if err == nil {
				trace.SpanFromContext(ctx).AddEvent("responded")
			}
			return err
		})
	}
}

// finish ends a span with the handler's error, or with its panic, which goes on.
func finish(end func(error), err *error) {
	if p := recover(); p != nil {
		end(&panicError{p})
		panic(p)
	}
	end(*err)
}

// panicError is what a span says of a panic.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }
