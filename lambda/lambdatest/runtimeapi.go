package lambdatest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// RuntimeAPI is a Lambda Runtime API for one function, whatever language it is
// written in. It hands over the events given to Invoke and Open, each to whoever
// asks for the next one, and is strict about what comes back: an answer for an
// unknown or finished invocation is refused as Lambda refuses it.
//
// Its methods are safe for concurrent use. A function that asks for one event at
// a time gets them one after the other.
type RuntimeAPI struct {
	addr string
	asks chan chan<- *call // one for each call of next that waits

	mu      sync.Mutex
	calls   map[string]*call // under way, by request ID
	waiting int              // calls of next that wait
	changed chan struct{}    // closed and replaced when the above change
	over    chan struct{}    // closed when there will be no more answers
	cause   error            // and why; nil before that
}

// call is one invocation on its way.
type call struct {
	Event
	requestID, invocationID string
	deadline                time.Time
	answer                  chan answer // has room for the one that there will be
}

// answer is the beginning of what the function sent.
type answer struct {
	stream *Stream
	err    error
}

// NewRuntimeAPI starts a Runtime API on a free port of 127.0.0.1. It is closed at
// the end of the test.
func NewRuntimeAPI(t testing.TB) *RuntimeAPI {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("lambdatest: ", err)
	}
	return serve(t, l)
}

func serve(t testing.TB, l net.Listener) *RuntimeAPI {
	a := &RuntimeAPI{
		addr:    l.Addr().String(),
		asks:    make(chan chan<- *call),
		calls:   map[string]*call{},
		changed: make(chan struct{}),
		over:    make(chan struct{}),
	}
	const version = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+version+"invocation/next", a.next)
	mux.HandleFunc("POST "+version+"invocation/{id}/response", a.response)
	mux.HandleFunc("POST "+version+"invocation/{id}/error", a.failure)
	mux.HandleFunc("POST "+version+"init/error", a.initError)
	mux.HandleFunc("POST /2020-01-01/extension/register", a.extension)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", a.wait)
	server := &http.Server{Handler: mux}
	var wg sync.WaitGroup
	wg.Go(func() { server.Serve(l) }) // until it is closed
	t.Cleanup(func() {
		a.end(errClosed)
		server.Close()
		wg.Wait()
	})
	return a
}

// Addr is the value of AWS_LAMBDA_RUNTIME_API for the function.
func (a *RuntimeAPI) Addr() string { return a.addr }

// Env is the environment that Lambda gives a function, as os/exec takes it: the
// address of this Runtime API, and the function's name, version, size and logs.
func (a *RuntimeAPI) Env() []string { return environment(a.addr) }

// Invoke gives the function an event and returns its response, a streamed one as
// a whole. When the function reports an error, that is a [*FunctionError], when
// it takes too long, a [*TimeoutError], when it ends, an [*ExitError]. Like
// Lambda's caller, Invoke does not wait for what the function does after its
// response; for that, see [RuntimeAPI.Idle].
func (a *RuntimeAPI) Invoke(ctx context.Context, e Event) ([]byte, error) {
	s, err := a.Open(ctx, e)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	payload, err := io.ReadAll(s)
	if err != nil {
		return nil, err
	}
	return payload, nil
}

// Open is Invoke for a caller who reads the response as it comes: it returns when
// the first byte is there. The caller must close the stream.
func (a *RuntimeAPI) Open(ctx context.Context, e Event) (*Stream, error) {
	c := a.begin(e)
	select {
	case give := <-a.asks:
		c.deadline = time.Now().Add(c.Timeout)
		give <- c
	case <-a.over:
		a.forget(c)
		return nil, a.cause
	case <-ctx.Done():
		a.forget(c)
		return nil, fmt.Errorf("wait for the function to ask for an event: %w", context.Cause(ctx))
	}
	timer := time.NewTimer(c.Timeout)
	defer timer.Stop()
	var err error
	select {
	case r := <-c.answer:
		return r.stream, r.err
	case <-timer.C:
		err = &TimeoutError{c.Timeout}
	case <-a.over:
		err = a.cause
	case <-ctx.Done():
		err = fmt.Errorf("wait for the response: %w", context.Cause(ctx))
	}
	a.forget(c)
	select {
	case r := <-c.answer: // it came before whatever else happened was seen
		return r.stream, r.err
	default:
		return nil, err
	}
}

// Idle returns when no invocation is under way and the function waits for the
// next one: whatever it does after its responses is done then.
func (a *RuntimeAPI) Idle(ctx context.Context) error {
	for {
		a.mu.Lock()
		idle, changed := len(a.calls) == 0 && a.waiting > 0, a.changed
		a.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-changed:
		case <-a.over:
			return a.cause
		case <-ctx.Done():
			return fmt.Errorf("wait for the function to ask for an event: %w", context.Cause(ctx))
		}
	}
}

// end makes every call return cause, now and later. The first cause stays.
func (a *RuntimeAPI) end(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause == nil {
		a.cause = cause
		close(a.over)
	}
}

func (a *RuntimeAPI) begin(e Event) *call {
	if e.Payload == nil {
		e.Payload = []byte("{}")
	}
	if e.Timeout == 0 {
		e.Timeout = 3 * time.Second
	}
	c := &call{Event: e, requestID: e.RequestID, answer: make(chan answer, 1)}
	if c.requestID == "" {
		c.requestID = newUUID()
	}
	if !e.NoInvocationID {
		c.invocationID = newUUID()
	}
	a.change(func() { a.calls[c.requestID] = c })
	return c
}

// forget makes sure that a call is not answered any more.
func (a *RuntimeAPI) forget(c *call) {
	a.change(func() {
		if a.calls[c.requestID] == c {
			delete(a.calls, c.requestID)
		}
	})
}

// change does something to what Idle looks at.
func (a *RuntimeAPI) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
	close(a.changed)
	a.changed = make(chan struct{})
}
