//go:build linux

// Package runtimeapi is a Lambda Runtime API that costs next to nothing, so that
// what a benchmark measures is the function's runtime library and not the server.
//
// A [Server] speaks to one function process over blocking sockets, one locked
// thread for each connection, with answers that are composed before the clock
// starts. It does no checks: it knows only what two well-behaved libraries send.
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Sample is what one invocation took.
type Sample struct {
	FirstByte time.Duration // from the event to the first byte of the response's body
	Response  time.Duration // from the event to the last byte of the response: what a caller waits for
	Cycle     time.Duration // from the event to the following next: what bounds the throughput
}

// FunctionError is returned by [Server.Run] when the function reported an error
// in place of a response.
type FunctionError struct{ Body string }

func (e *FunctionError) Error() string { return "the function reported an error: " + e.Body }

// Server is the Runtime API of one function process.
type Server struct {
	fd   int
	cpu  *int // the processor of those who serve; nil for any
	addr string

	first chan time.Time // the arrival of the process's first next
	runs  chan *run      // handed to the connection that waits in next
	gone  chan struct{}  // closed by Close
	wg    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[int]bool
	seen   bool // first has its value
	run    *run // the run under way; only one connection at a time works on it
}

// run is a number of invocations with one event.
type run struct {
	event   []byte // the whole answer to next
	left    int
	sent    time.Time
	samples []Sample
	size    int64
	head    []byte
	done    chan error
}

// Listen opens the endpoint on a free port of 127.0.0.1 and accepts connections
// until Close. They are served on the given processor, or on any if cpu is nil.
func Listen(cpu *int) (*Server, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := errors.Join(
		syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}),
		syscall.Listen(fd, 16),
	); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("listen: %w", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("listen: %w", err)
	}
	in4 := name.(*syscall.SockaddrInet4)
	s := &Server{
		fd:    fd,
		cpu:   cpu,
		addr:  netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port)).String(),
		first: make(chan time.Time, 1),
		runs:  make(chan *run),
		gone:  make(chan struct{}),
		conns: map[int]bool{},
	}
	s.wg.Go(s.accept)
	return s, nil
}

// Addr is the value of AWS_LAMBDA_RUNTIME_API for the function process.
func (s *Server) Addr() string { return s.addr }

// FirstNext waits for the process's first next and returns when it arrived.
func (s *Server) FirstNext(ctx context.Context) (time.Time, error) {
	select {
	case t := <-s.first:
		s.first <- t
		return t, nil
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
}

// Result is what a run brought.
type Result struct {
	Samples []Sample // in order; the slice that was given, filled
	Size    int64    // bytes of the last response
	Head    []byte   // its first bytes
}

// Run sends the same event len(samples) times, each after the function has asked
// for it, and returns when it has asked once more: nothing is under way then.
func (s *Server) Run(ctx context.Context, event []byte, samples []Sample) (Result, error) {
	r := &run{
		event:   answer(event, time.Now().Add(time.Hour)),
		left:    len(samples),
		samples: samples[:0],
		done:    make(chan error, 1),
	}
	select {
	case s.runs <- r:
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait for next: %w", context.Cause(ctx))
	}
	select {
	case err := <-r.done:
		return Result{Samples: r.samples, Size: r.size, Head: r.head}, err
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait for the responses: %w", context.Cause(ctx))
	}
}

// Close ends every connection and returns when the last goroutine has.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.gone)
	syscall.Shutdown(s.fd, syscall.SHUT_RDWR)
	for fd := range s.conns {
		syscall.Shutdown(fd, syscall.SHUT_RDWR)
	}
	s.mu.Unlock()
	s.wg.Wait()
	return syscall.Close(s.fd)
}

func (s *Server) accept() {
	for {
		fd, _, err := syscall.Accept4(s.fd, syscall.SOCK_CLOEXEC)
		if err == syscall.EINTR || err == syscall.ECONNABORTED {
			continue
		}
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			syscall.Close(fd)
			return
		}
		s.conns[fd] = true
		s.mu.Unlock()
		s.wg.Go(func() { s.serve(fd) })
	}
}

// serve answers the calls of one connection.
func (s *Server) serve(fd int) {
	runtime.LockOSThread() // and never unlock: the thread ends with the connection
	err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	if err == nil && s.cpu != nil {
		var one unix.CPUSet
		one.Set(*s.cpu)
		err = unix.SchedSetaffinity(0, &one)
	}
	for r := newReader(fd); err == nil; {
		var req request
		if req, err = r.next(); err == nil {
			err = s.handle(fd, req)
		}
	}
	s.mu.Lock()
	delete(s.conns, fd)
	if s.run != nil && err != io.EOF && !s.closed {
		s.run.done <- err
		s.run = nil
	}
	s.mu.Unlock()
	syscall.Close(fd)
}

var (
	accepted = []byte("HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n")
	notFound = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
)

func (s *Server) handle(fd int, req request) error {
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	switch req.kind {
	case next:
		return s.next(fd, run, req)
	case response:
		if run == nil {
			return errors.New("a response to no invocation")
		}
		run.samples = append(run.samples, Sample{
			FirstByte: req.firstByte.Sub(run.sent),
			Response:  req.arrived.Sub(run.sent),
		})
		if run.left == 0 {
			run.size, run.head = req.size, append([]byte(nil), req.head...)
		}
		if req.failed {
			return errors.New("the response ended with an error")
		}
		return write(fd, accepted)
	case failure:
		return &FunctionError{Body: string(req.head)}
	}
	return write(fd, notFound)
}

// next ends the invocation under way and sends the event of the following one;
// after a run's last it waits for another run.
func (s *Server) next(fd int, r *run, req request) error {
	if r != nil {
		if n := len(r.samples); n > 0 {
			r.samples[n-1].Cycle = req.arrived.Sub(r.sent)
		}
		if r.left == 0 {
			s.mu.Lock()
			s.run = nil
			s.mu.Unlock()
			r.done <- nil
			r = nil
		}
	}
	if r == nil {
		s.mu.Lock()
		if !s.seen {
			s.seen = true
			s.first <- req.arrived
		}
		s.mu.Unlock()
		select {
		case r = <-s.runs:
			s.mu.Lock()
			s.run = r
			s.mu.Unlock()
		case <-s.gone:
			return io.EOF
		}
	}
	r.left--
	r.sent = time.Now()
	return write(fd, r.event)
}

func write(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		b = b[n:]
	}
	return nil
}

// answer composes the whole answer to next, with the headers that Lambda sends.
// Source: AWS Lambda developer guide, runtimes-api.
func answer(event []byte, deadline time.Time) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n"+
		"Content-Type: application/json\r\n"+
		"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"+
		"Lambda-Runtime-Aws-Tenant-Id: alice\r\n"+
		"Lambda-Runtime-Deadline-Ms: %d\r\n"+
		"Lambda-Runtime-Invocation-Id: 5f7b1f0e-0f5c-4a57-9f43-5f3f9b1f6f0a\r\n"+
		"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"+
		"Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"+
		"Date: Mon, 23 Nov 2026 08:00:00 GMT\r\n"+
		"Content-Length: %d\r\n\r\n%s", deadline.UnixMilli(), len(event), event)
}
