// Package sandboxtest has what tests of sandboxes, and of whatever stands on
// them, need: a driver whose processes are Go functions.
package sandboxtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"

	"github.com/berthdev/berth/internal/sandbox"
)

// Driver starts no process but calls a function, which talks to its Runtime API
// over an in-memory connection. No socket, file or clock of the real world is
// touched, so it works inside a testing/synctest bubble.
type Driver struct {
	// Program is the process of every environment; what it returns is its exit.
	// It must return when its connections fail: that is how it is killed.
	Program func(*Program) sandbox.Exit
	// Err, if it is set, is the answer of Start.
	Err error
	// PeakMemory is what every process is said to have used; 0 is not measured.
	PeakMemory int64

	mu     sync.Mutex
	live   int
	frozen int
	all    []*Program
}

// Frozen is the number of processes that are frozen at this moment.
func (d *Driver) Frozen() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.frozen
}

// Program is what a fake process sees.
type Program struct {
	Spec   sandbox.Spec
	Number int // 1 for the driver's first process
	Stdout io.Writer
	// Terminated is closed when the process gets SIGTERM, and Killed when it is
	// killed.
	Terminated, Killed <-chan struct{}

	client   *http.Client
	listener *listener
	handle   *handle
}

// Crash ends the process from within, while its Program still runs.
func (p *Program) Crash(exit sandbox.Exit) {
	p.handle.end(exit)
	p.Exit()
}

// Exit closes the process's connections, as the kernel does when a process ends.
func (p *Program) Exit() { p.listener.Close() }

// Start implements the environment's Driver.
func (d *Driver) Start(_ context.Context, spec sandbox.Spec) (*sandbox.Process, error) {
	if d.Err != nil {
		return nil, d.Err
	}
	listener := newListener()
	stdout, output := io.Pipe()
	h := &handle{
		driver: d, listener: listener, output: output, reader: stdout,
		killed: make(chan struct{}), terminated: make(chan struct{}), exited: make(chan struct{}),
	}
	p := &Program{
		Spec: spec, Stdout: output, Terminated: h.terminated, Killed: h.killed,
		listener: listener, handle: h,
		client: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return listener.dial(ctx) },
		}},
	}
	d.mu.Lock()
	d.live++
	d.all = append(d.all, p)
	p.Number = len(d.all)
	d.mu.Unlock()

	h.wg.Go(func() {
		exit := d.Program(p)
		p.client.CloseIdleConnections()
		h.end(exit)
	})
	return &sandbox.Process{PID: 1000 + p.Number, RuntimeAPI: listener, Output: stdout, Handle: h}, nil
}

// Live is the number of processes that have been started and not released.
func (d *Driver) Live() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live
}

// Programs returns every process that was started, oldest first.
func (d *Driver) Programs() []*Program {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*Program(nil), d.all...)
}

// Event is an answer of the Runtime API's next.
type Event struct {
	RequestID string
	Tenant    string
	Header    http.Header
	Payload   []byte
}

// Next asks for the next event.
func (p *Program) Next() (*Event, error) {
	r, err := p.client.Get("http://runtime/2018-06-01/runtime/invocation/next")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("next: %s: %s", r.Status, payload)
	}
	return &Event{
		RequestID: r.Header.Get("Lambda-Runtime-Aws-Request-Id"),
		Tenant:    r.Header.Get("Lambda-Runtime-Aws-Tenant-Id"),
		Header:    r.Header,
		Payload:   payload,
	}, nil
}

// Respond answers an event, and returns status and body of the Runtime API.
func (p *Program) Respond(e *Event, payload string) (int, string) {
	return p.Post("/2018-06-01/runtime/invocation/"+e.RequestID+"/response", payload, nil)
}

// Fail reports an event's error.
func (p *Program) Fail(e *Event, payload string) (int, string) {
	return p.Post("/2018-06-01/runtime/invocation/"+e.RequestID+"/error", payload, nil)
}

// Stream answers an event with what body gives, as it gives it, and then with
// trailer.
func (p *Program) Stream(e *Event, body io.Reader, trailer http.Header) (int, string) {
	request, err := http.NewRequest(http.MethodPost, "http://runtime/2018-06-01/runtime/invocation/"+e.RequestID+"/response", body)
	if err != nil {
		return 0, err.Error()
	}
	request.ContentLength = -1
	request.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	request.Header.Set("Content-Type", "text/plain")
	request.Trailer = trailer
	r, err := p.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	answer, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(answer)
}

// Post sends body to a path of the Runtime API. The status is 0 if there was no
// answer.
func (p *Program) Post(path, body string, header http.Header) (int, string) {
	status, answer, _ := p.Do(http.MethodPost, path, body, header)
	return status, answer
}

// Do sends a request to a path of the Runtime API. The status is 0 if there was
// no answer; then the body is the error.
func (p *Program) Do(method, path, body string, header http.Header) (int, string, http.Header) {
	request, err := http.NewRequest(method, "http://runtime"+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error(), nil
	}
	for k, v := range header {
		request.Header[k] = v
	}
	r, err := p.client.Do(request)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer r.Body.Close()
	answer, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(answer), r.Header
}

// Serve is a well-behaved program: it answers every event with handle's result
// until it is killed.
func Serve(handle func(p *Program, e *Event) string) func(*Program) sandbox.Exit {
	return func(p *Program) sandbox.Exit {
		for {
			e, err := p.Next()
			if err != nil {
				return sandbox.Exit{Code: 1}
			}
			p.Respond(e, handle(p, e))
		}
	}
}

// handle is the driver's hold on one fake process.
type handle struct {
	driver   *Driver
	listener *listener
	output   *io.PipeWriter
	reader   *io.PipeReader
	wg       sync.WaitGroup

	kill       sync.Once
	killed     chan struct{}
	terminate  sync.Once
	terminated chan struct{}

	once    sync.Once
	exit    sandbox.Exit
	exited  chan struct{}
	release sync.Once
}

func (h *handle) end(exit sandbox.Exit) {
	h.once.Do(func() {
		h.exit = exit
		close(h.exited)
	})
}

func (h *handle) Mark(token []byte) error {
	_, err := h.output.Write(bytes.Clone(token))
	return err
}

func (h *handle) Terminate() error {
	h.terminate.Do(func() { close(h.terminated) })
	return nil
}

// Freeze and Thaw only count: a fake process can't be kept from running.
func (h *handle) Freeze() error { return h.frozen(1) }
func (h *handle) Thaw() error   { return h.frozen(-1) }

func (h *handle) frozen(n int) error {
	h.driver.mu.Lock()
	defer h.driver.mu.Unlock()
	h.driver.frozen += n
	return nil
}

func (h *handle) Kill() error {
	h.kill.Do(func() {
		h.end(sandbox.Exit{Signal: syscall.SIGKILL})
		close(h.killed)
		h.listener.Close()
	})
	return nil
}

func (h *handle) Wait() sandbox.Exit {
	<-h.exited
	return h.exit
}

func (h *handle) PeakMemory() (int64, bool) { return h.driver.PeakMemory, h.driver.PeakMemory > 0 }

func (h *handle) Release() error {
	h.release.Do(func() {
		_ = h.Kill()
		h.output.Close()
		h.wg.Wait()
		h.driver.mu.Lock()
		h.driver.live--
		h.driver.mu.Unlock()
	})
	return nil
}

// listener hands out in-memory connections, and closes them when it is closed.
type listener struct {
	accept chan net.Conn
	once   sync.Once
	closed chan struct{}

	mu    sync.Mutex
	conns []net.Conn
}

func newListener() *listener {
	return &listener{accept: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	l.mu.Lock()
	l.conns = append(l.conns, client)
	l.mu.Unlock()
	select {
	case l.accept <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, c := range l.conns {
			c.Close()
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "pipe" }
func (address) String() string  { return "runtime" }
