package lambda

import (
	"context"

	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// Handler is a function that serves invocations. [Func], [Bytes], [Stream] and
// [Background] make one.
type Handler struct {
	serve func(context.Context, *exchange) error
}

// Func makes a handler of a function from an event to a response. Both are JSON:
// E and R may be whatever encoding/json takes, or the codec of [WithCodec]. A
// []byte is the JSON itself and not a string in base64.
//
// The error goes to the caller, as Lambda's JSON: see [Error].
func Func[E, R any](handle func(ctx context.Context, event E) (R, error)) Handler {
	return Handler{func(ctx context.Context, x *exchange) error {
		event, err := decode[E](x)
		if err != nil {
			return err
		}
		response, err := handle(ctx, event)
		if err != nil {
			return err
		}
		x.payload, err = encode(x, response)
		return err
	}}
}

// Bytes makes a handler of a function from an event's bytes to a response's. The
// event belongs to the function, which may change and keep it; the response must
// not be changed after it was returned.
func Bytes(handle func(ctx context.Context, event []byte) ([]byte, error)) Handler {
	return Handler{func(ctx context.Context, x *exchange) (err error) {
		x.payload, err = handle(ctx, x.client.OwnBody())
		return err
	}}
}

// exchange is one invocation on its way through a handler. There is one for each
// connection, used again and again, so nothing of it may outlive the handler.
type exchange struct {
	client  *runtimeapi.Client
	event   *runtimeapi.Event
	context *invocationContext
	codec   Codec

	payload  []byte             // the response, when the handler has returned
	stream   *runtimeapi.Stream // a response in parts
	answered bool               // the response has been sent already

	traceID string // what _X_AMZN_TRACE_ID is, from one invocation to the next
}
