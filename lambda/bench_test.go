package lambda

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/berthdev/berth/lambda/internal/host"
	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// driver is a platform that hands over one event again and again, and allocates
// nothing, so that what is counted is the library's.
type driver struct {
	conn     net.Conn
	event    []byte
	accepted []byte
	next     []byte // a buffer of the length of a request for the next event
	answer   []byte // a buffer of the length of an answer
}

const (
	apiGatewayID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
	rawEvent     = `{"key1":"value1","key2":"value2"}`
)

// drive runs a handler in this process.
func drive(b testing.TB, h Handler, event string, headers ...string) *driver {
	b.Helper()
	b.Setenv("_X_AMZN_TRACE_ID", "") // to have it set back
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	env := map[string]string{"AWS_LAMBDA_RUNTIME_API": l.Addr().String()}
	go func() {
		defer close(ended)
		Run(ctx, h, WithLogger(slog.New(slog.DiscardHandler)), WithHost(host.Host{
			Getenv: func(key string) string { return env[key] },
			Setenv: os.Setenv,
			Dial:   runtimeapi.Dial,
		}))
	}()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
	return newDriver(b, l, event, headers...)
}

// newDriver drives the function that connects to l, which answers as it does the
// first time.
func newDriver(b testing.TB, l net.Listener, event string, headers ...string) *driver {
	b.Helper()
	conn, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	d := &driver{conn: conn, accepted: []byte(accepted), event: []byte(invocation(apiGatewayID, event, append(headers,
		"Lambda-Runtime-Invocation-Id: 5a1e5f2c-0b0f-4c0e-9d58-0a3d7d0b8f11",
		"Lambda-Runtime-Deadline-Ms: 4102444800000",
		"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:counter")...))}
	read := func() []byte { // the first of each tells the length of all
		var length counter
		r, err := http.ReadRequest(bufio.NewReaderSize(io.TeeReader(conn, &length), 1))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Fatal(err)
		}
		return make([]byte, length)
	}
	d.next = read()
	d.write(b, d.event)
	d.answer = read()
	d.write(b, d.accepted)
	return d
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// invoke lets the function serve one event.
func (d *driver) invoke(b testing.TB) {
	d.read(b, d.next)
	d.write(b, d.event)
	d.read(b, d.answer)
	d.write(b, d.accepted)
}

func (d *driver) read(b testing.TB, p []byte) {
	if _, err := io.ReadFull(d.conn, p); err != nil {
		b.Fatal(err)
	}
}

func (d *driver) write(b testing.TB, p []byte) {
	if _, err := d.conn.Write(p); err != nil {
		b.Fatal(err)
	}
}

// A raw invocation allocates three times: the event, which is the handler's to
// keep, the context with the invocation in it, and what os.Setenv takes for the
// trace ID. The headers' text shares its allocation with some thirty others.
func TestRawInvocationAllocations(t *testing.T) {
	const n = 2000
	d := drive(t, Bytes(echo), rawEvent, "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
	events := [2][]byte{d.event, bytes.Replace(d.event, []byte("Root=1"), []byte("Root=2"), 1)}
	serve := func(n int) {
		for i := range n {
			d.event = events[i%2]
			d.invoke(t)
		}
	}
	serve(100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	serve(n)
	runtime.ReadMemStats(&after)
	want := 3.0
	if cgo() {
		want++ // the C library's environment is set, too; functions are built without it
	}
	if got := float64(after.Mallocs-before.Mallocs) / n; got > want+0.1 {
		t.Errorf("%.2f allocations an invocation, want %v", got, want)
	}
}

func cgo() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"})
}

// BenchmarkInvocation is the library's share of an invocation, and four wakeups
// of the kernel's.
func BenchmarkInvocation(b *testing.B) {
	for _, bb := range []struct {
		name    string
		handler Handler
		event   string
	}{
		{"raw", Bytes(echo), rawEvent},
		{"typed", Func(func(_ context.Context, e map[string]string) (map[string]string, error) { return e, nil }), rawEvent},
		{"stream", Stream(func(_ context.Context, e []byte, w *ResponseWriter) error { _, err := w.Write(e); return err }), rawEvent},
		{"background", Background(func(_ context.Context, e []byte, respond func([]byte) error) error { return respond(e) }), rawEvent},
		{"raw-1MB", Bytes(echo), fmt.Sprintf("%01048576d", 0)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			d := drive(b, bb.handler, bb.event)
			b.ReportAllocs()
			for b.Loop() {
				d.invoke(b)
			}
		})
	}
}

// BenchmarkStream writes 20 MB in pieces of 32 KiB, as io.Copy does.
func BenchmarkStream(b *testing.B) {
	const size = 20 << 20
	piece := make([]byte, 32<<10)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	env := map[string]string{"AWS_LAMBDA_RUNTIME_API": l.Addr().String()}
	go func() {
		defer close(ended)
		Run(ctx, Stream(func(_ context.Context, _ []byte, w *ResponseWriter) error {
			for range size / len(piece) {
				if _, err := w.Write(piece); err != nil {
					return err
				}
			}
			return nil
		}), WithLogger(slog.New(slog.DiscardHandler)), WithHost(host.Host{
			Getenv: func(key string) string { return env[key] },
			Dial:   runtimeapi.Dial,
		}))
	}()
	conn, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		cancel()
		conn.Close()
		<-ended
	}()
	r := bufio.NewReader(conn)
	event := []byte(invocation("1", `{}`))
	b.SetBytes(size)
	for b.Loop() {
		if _, err := http.ReadRequest(r); err != nil {
			b.Fatal(err)
		}
		conn.Write(event)
		response, err := http.ReadRequest(r)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, response.Body); n != size || err != nil {
			b.Fatal(n, err)
		}
		conn.Write([]byte(accepted))
	}
}
