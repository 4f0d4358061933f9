package runtimeapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
)

// script is a connection whose server says the same whatever it is told.
type script struct {
	io.Reader
	sent *bytes.Buffer
}

func (s script) Write(p []byte) (int, error) { return s.sent.Write(p) }
func (s script) Close() error                { return nil }

// FuzzNext holds that nothing a server says makes the client send what is not a
// request for what was asked: no header of an event may break out of its line.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Invocation-Id: a\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ../../1?x#y\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Invocation-Id: a\tb\xff\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var sent bytes.Buffer
		c := New("api:9001", func() (io.ReadWriteCloser, error) { return script{bytes.NewReader(answer), &sent}, nil })
		defer c.Close()
		event, err := c.Next()
		if err != nil {
			return
		}
		sent.Reset()
		id, attempt := event.RequestID, event.InvocationID
		_ = c.Respond(event, "application/json", c.OwnBody()) // what comes of it is the answer's second half
		r, err := http.ReadRequest(bufio.NewReader(&sent))
		if err != nil {
			t.Fatalf("the response to %q is no request: %v", id, err)
		}
		if r.Method != "POST" || r.RequestURI != "/2018-06-01/runtime/invocation/"+id+"/response" || r.Host != "api:9001" || r.Header.Get(InvocationID) != attempt {
			t.Fatalf("the response to %q, %q is %s %s with %v", id, attempt, r.Method, r.RequestURI, r.Header)
		}
	})
}

func TestInterrupt(t *testing.T) {
	reading, done := make(chan bool), make(chan error)
	r, w := io.Pipe()
	c := New("api", func() (io.ReadWriteCloser, error) { return signalling{r, reading}, nil })
	go func() {
		_, err := c.Next()
		done <- err
	}()
	<-reading
	c.Interrupt()
	w.Close()
	if err := <-done; !errors.Is(err, ErrInterrupted) {
		t.Errorf("Next said %v", err)
	}
	if _, err := c.Next(); !errors.Is(err, ErrInterrupted) {
		t.Errorf("a later Next said %v", err)
	}
	if err := c.AwaitShutdown("id"); !errors.Is(err, ErrInterrupted) {
		t.Errorf("AwaitShutdown said %v", err)
	}
}

// signalling is a connection that tells when it is read for the first time.
type signalling struct {
	io.Reader
	reading chan bool
}

func (s signalling) Read(p []byte) (int, error) {
	s.reading <- true
	return s.Reader.Read(p)
}
func (signalling) Write(p []byte) (int, error) { return len(p), nil }
func (signalling) Close() error                { return nil }
