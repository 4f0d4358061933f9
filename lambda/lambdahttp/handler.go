package lambdahttp

import (
	"context"
	"net/http"

	"github.com/berthdev/berth/lambda"
)

// Option changes what [Handler] makes.
type Option func(*server)

// WithBasePath cuts path, such as "/v1", off the paths of requests before they
// reach the handler: the base path that a custom domain name maps to the API, or
// the path of an ALB's rule. A request whose path doesn't start with it is served
// as it is, since the same function may be reached without it.
func WithBasePath(path string) Option {
	return func(s *server) { s.basePath = path }
}

// WithStreaming sends responses as they are written: what was written goes out
// with each [http.Flusher] or [http.ResponseController] Flush, and every 64 KiB.
//
// The door must be told, or its clients see the response's head as text: a
// function URL by InvokeMode RESPONSE_STREAM, a REST API by the integration's
// responseTransferMode STREAM. HTTP APIs can't stream. Behind an ALB, which can't
// either, the response is sent as a whole.
// Source: AWS Lambda developer guide, config-rs-invoke-furls; Amazon API Gateway
// developer guide, response-transfer-mode-lambda.
func WithStreaming() Option {
	return func(s *server) { s.stream = true }
}

// Handler makes a Lambda handler of an HTTP handler:
//
//	func main() { lambda.Start(lambdahttp.Handler(mux)) }
//
// The request is what a server of net/http would have read: repeated headers and
// query values, cookies, Host and the body's bytes. RemoteAddr is the client's IP
// address with port 0. The path has no stage. The request's context is the
// invocation's, with [lambda.FromContext] and [FromContext]; the request must not
// be used after the handler has returned.
//
// The response is what a server would have sent, except for trailers and
// informational responses, which have no way out. Without [WithStreaming] it is
// sent when the handler has returned, at most 6 MB of it.
//
// An event that is no HTTP request is refused with an [*EventError]. A handler
// that panics has failed as any other does, except with http.ErrAbortHandler: see
// [ErrAborted].
func Handler(h http.Handler, options ...Option) lambda.Handler {
	s := &server{handler: h}
	for _, o := range options {
		o(s)
	}
	if s.stream {
		return lambda.Stream(s.streamed)
	}
	return lambda.Bytes(s.buffered)
}

// buffered serves an event and returns the whole response.
func (s *server) buffered(ctx context.Context, raw []byte) ([]byte, error) {
	r, f, err := s.request(ctx, raw)
	if err != nil {
		return nil, err
	}
	return s.whole(r, f)
}

// streamed serves an event and sends the response as it is written.
func (s *server) streamed(ctx context.Context, raw []byte, out *lambda.ResponseWriter) error {
	r, f, err := s.request(ctx, raw)
	if err != nil {
		return err
	}
	if f == alb || f == albMulti {
		whole, err := s.whole(r, f)
		if err != nil {
			return err
		}
		_, err = out.Write(whole)
		return err
	}
	w := &stream{head: newHead(r), format: f, out: out}
	if err := s.call(w, r); err != nil {
		return err
	}
	return w.begin(nil)
}
