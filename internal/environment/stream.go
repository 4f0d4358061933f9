package environment

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/berthdev/berth/internal/telemetry"
)

// Stream is a response that the function is still writing. Its reader sets the
// pace: what is not read is not written. It is not safe for concurrent use, but
// for Close.
type Stream struct {
	// OnEnd, if it is set before the first Read, is called once when nobody reads
	// any more.
	OnEnd func()

	env  *Environment
	call *call
	r    *http.Request // of the runtime; its handler waits for done

	n    int
	err  error         // of the end
	once sync.Once     // closes done
	how  reading       // valid when done is closed
	done chan struct{} // closed when nobody reads any more
}

// reading is how the reading of a stream ended.
type reading string

const (
	whole  reading = "whole"  // the function has written all, and all was read
	left   reading = "left"   // the reader did not want the rest
	broken reading = "broken" // the function's side of the connection is gone
)

// StreamError is the end of a stream whose function failed midway.
// Source: AWS Lambda developer guide, runtimes-custom (response streaming).
type StreamError struct {
	Type    string // "Function.Unknown", "Sandbox.Timedout"
	Payload []byte // the error as JSON; may be empty
}

func (e *StreamError) Error() string { return fmt.Sprintf("the function failed midway: %s", e.Type) }

// Read gives what the function writes, as it writes it. It ends with io.EOF, or
// with a *StreamError.
func (s *Stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Body.Read(p)
	s.n += n
	if err == nil {
		return n, nil
	}
	s.err = s.end(err)
	if n > 0 {
		return n, nil
	}
	return 0, s.err
}

// end is what the end of the body means.
func (s *Stream) end(err error) error {
	if !errors.Is(err, io.EOF) {
		// The process is gone, or its connection is; wait for the reason.
		s.finish(broken)
		<-s.call.answer.done
		return &StreamError{Type: s.call.answer.report.ErrorType, Payload: s.call.failed}
	}
	defer s.finish(whole)
	kind := s.r.Trailer.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		return io.EOF
	}
	body, _ := base64.StdEncoding.DecodeString(s.r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
	failure := &StreamError{Type: knownErrorType(kind), Payload: body}
	s.env.failMidway(s.call, failure.Type)
	return failure
}

// Close ends the reading. If the stream has not ended, the function's next
// writes fail.
func (s *Stream) Close() error {
	s.finish(left)
	return nil
}

func (s *Stream) finish(how reading) {
	s.once.Do(func() {
		s.how = how
		close(s.done)
		if s.OnEnd != nil {
			s.OnEnd()
		}
	})
}

// stream hands the body of r to the caller as it comes, and answers the runtime
// when it has all been read.
func (a *runtimeAPI) stream(w http.ResponseWriter, r *http.Request, c *call) {
	s := &Stream{env: a.env, call: c, r: r, done: make(chan struct{})}
	if !a.env.begin(c, s, r.Header.Get("Content-Type")) {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", transition(&stepError{Busy, "answered twice"}))
		return
	}
	<-s.done // the end of the process ends the body, and so the reading
	if s.how == broken {
		return // the call stays unfinished, until the environment has ended
	}
	a.env.mu.Lock()
	c.streaming = false
	c.answer.produced = s.n
	a.env.mu.Unlock()
	if s.how == left {
		panic(http.ErrAbortHandler) // closes the connection
	}
	accept(w)
}

// begin gives the caller of c its answer as a stream.
func (e *Environment) begin(c *call, s *Stream, contentType string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current != c || c.hasAnswer() {
		return false
	}
	c.streaming = true
	c.answer.Stream, c.answer.ContentType = s, contentType
	return c.respond(nil, false)
}

// failMidway notes that c failed after its answer had begun.
func (e *Environment) failMidway(c *call, errorType string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == c {
		c.status, c.errorType = telemetry.Failed, errorType
	}
}
