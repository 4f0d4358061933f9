package lambda

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berthdev/berth/lambda/internal/host"
	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// platform is a Runtime API on a raw socket that says what a test tells it to.
type platform struct {
	t        testing.TB
	listener net.Listener
	env      map[string]string
	setenv   func(key, value string) error // nil: nothing is set
	log      logged
}

// logged collects what the library logs.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newPlatform(t testing.TB) *platform {
	t.Helper()
	if t, ok := t.(*testing.T); ok {
		noLeaks(t)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &platform{t: t, listener: l, env: map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          l.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME":        "counter",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/counter",
		"AWS_LAMBDA_LOG_STREAM_NAME":      "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
	}}
}

// running is a handler that runs against a platform.
type running struct {
	t      testing.TB
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // written before ended is closed
}

// start runs a handler until the end of the test, if nothing ends it before.
func (p *platform) start(h Handler, opts ...Option) *running {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{p.t, cancel, make(chan struct{}), nil}
	opts = append([]Option{
		WithHost(host.Host{Getenv: func(key string) string { return p.env[key] }, Setenv: p.setenv, Dial: runtimeapi.Dial}),
		WithLogger(slog.New(NewLogHandler(&p.log, LogOptions{Level: LevelTrace}))),
	}, opts...)
	go func() { // the cleanup waits for it
		defer close(r.ended)
		r.err = Run(ctx, h, opts...)
	}()
	p.t.Cleanup(func() { r.stop() })
	return r
}

// stop ends the context of Run and returns Run's error.
func (r *running) stop() error {
	r.t.Helper()
	r.cancel()
	return r.wait()
}

// wait returns Run's error.
func (r *running) wait() error {
	r.t.Helper()
	select {
	case <-r.ended:
		return r.err
	case <-time.After(10 * time.Second):
		r.t.Fatal("Run did not return")
		return nil
	}
}

// accept returns the next connection that the runtime makes.
func (p *platform) accept() *peer {
	p.t.Helper()
	p.listener.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	c, err := p.listener.Accept()
	if err != nil {
		p.t.Fatalf("no connection: %v", err)
	}
	p.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return &peer{p.t, c, bufio.NewReader(c)}
}

// peer is the platform's end of one connection.
type peer struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// request is what the runtime has sent, read by the standard library's server
// side: what it takes is proper HTTP.
type request struct {
	line    string // "GET /2018-06-01/runtime/invocation/next"
	header  http.Header
	body    string
	trailer http.Header
}

// head reads a request up to its body.
func (c *peer) head() *http.Request {
	c.t.Helper()
	r, err := http.ReadRequest(c.r)
	if err != nil {
		c.t.Fatalf("no request: %v", err)
	}
	return r
}

func (c *peer) read() request {
	c.t.Helper()
	r := c.head()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatalf("read %s %s: %v", r.Method, r.URL.Path, err)
	}
	return request{r.Method + " " + r.URL.Path, r.Header, string(body), r.Trailer}
}

// say writes exactly that.
func (c *peer) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatalf("answer: %v", err)
	}
}

// invoke waits for next and hands over an event. headers are further lines.
func (c *peer) invoke(id, event string, headers ...string) {
	c.t.Helper()
	c.expect("GET /2018-06-01/runtime/invocation/next")
	c.say(invocation(id, event, headers...))
}

func invocation(id, event string, headers ...string) string {
	lines := append([]string{
		"Lambda-Runtime-Aws-Request-Id: " + id,
		"Content-Type: application/json",
		fmt.Sprintf("Content-Length: %d", len(event)),
	}, headers...)
	return "HTTP/1.1 200 OK\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + event
}

// expect reads a request and checks its first line.
func (c *peer) expect(line string) request {
	c.t.Helper()
	r := c.read()
	if r.line != line {
		c.t.Fatalf("the runtime sent %s %s, want %s", r.line, r.body, line)
	}
	return r
}

const accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"

// answer waits for the response to an invocation and takes it.
func (c *peer) answer(id string) request {
	c.t.Helper()
	r := c.expect("POST /2018-06-01/runtime/invocation/" + id + "/response")
	c.say(accepted)
	return r
}

// failure waits for the report of an error and takes it.
func (c *peer) failure(id string) request {
	c.t.Helper()
	r := c.expect("POST /2018-06-01/runtime/invocation/" + id + "/error")
	c.say(accepted)
	return r
}
