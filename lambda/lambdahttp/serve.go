package lambdahttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// server is what the options have made of a handler.
type server struct {
	handler  http.Handler
	basePath string
	stream   bool
}

// ErrAborted is the invocation's error after the handler has panicked with
// [http.ErrAbortHandler]. Any other panic is left to package lambda.
var ErrAborted = errors.New("the handler aborted the response")

// request makes the request of an event, with the event in its context.
func (s *server) request(ctx context.Context, raw []byte) (*http.Request, format, error) {
	e, err := parse(raw)
	if err != nil {
		return nil, 0, err
	}
	ctx = context.WithValue(ctx, eventKey{}, &Event{Source: e.source(), Stage: e.stage(), Raw: raw})
	r, err := e.request(ctx, s.basePath)
	return r, e.format(), err
}

// whole serves a request and returns the response in the shape that the door
// expects.
func (s *server) whole(r *http.Request, f format) ([]byte, error) {
	w := &buffer{head: newHead(r)}
	if err := s.call(w, r); err != nil {
		return nil, err
	}
	out, err := w.encode(f)
	if err != nil {
		return nil, fmt.Errorf("encode the response: %w", err)
	}
	return out, nil
}

// call runs the handler and turns the panic that is meant as an abort into an error.
func (s *server) call(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = ErrAborted
		default:
			panic(p)
		}
	}()
	s.handler.ServeHTTP(w, r)
	return nil
}
