package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/invocation"
)

// streamer answers with a stream.
type streamer struct {
	body        io.ReadCloser
	contentType string

	asked invocation.Request
}

func (s *streamer) Invoke(_ context.Context, r invocation.Request) (*invocation.Response, error) {
	s.asked = r
	return &invocation.Response{Body: s.body, ContentType: s.contentType, TraceID: r.TraceID}, nil
}

// streamDoors are the doors that pass streams on.
func streamDoors(invoker Invoker) map[string]http.Handler {
	rest := plainREST()
	for i := range rest.Routes {
		rest.Routes[i].Stream = true
	}
	return map[string]http.Handler{
		"REST API":     newTestREST(rest, invoker),
		"function URL": NewFunctionURL(api.FunctionURL{Function: "plain", Stream: true}, invoker, Config{}),
	}
}

// The beginning of a stream.
// Source: Amazon API Gateway developer guide, response-transfer-mode-lambda.
func TestStreams(t *testing.T) {
	const prelude = `{"statusCode":201,"headers":{"Content-Type":"text/event-stream","X-A":"1"},"cookies":["a=1","b=2"]}`
	failed := map[string]string{"REST API": `500 application/json {"message": "Internal server error"}`, "function URL": "502 application/json Internal Server Error"}
	both := func(want string) map[string]string { return map[string]string{"REST API": want, "function URL": want} }
	tests := []struct {
		name, contentType, stream string
		want                      map[string]string
	}{
		{"a prelude", preludeType, prelude + preludeEnd + "data: 1\n\n", both("201 text/event-stream data: 1\n\n")},
		{"a prelude and nothing", preludeType, prelude + preludeEnd, both("201 text/event-stream ")},
		{"an empty prelude", preludeType, "{}" + preludeEnd + "x", both("200 application/octet-stream x")},
		{"NULs in the body", preludeType, "{}" + preludeEnd + "\x00\x00x\x00", both("200 application/octet-stream \x00\x00x\x00")},
		{"several values", preludeType, `{"multiValueHeaders":{"X-A":["1","2"]}}` + preludeEnd, both("200 application/octet-stream ")},
		{"no prelude, a type", "text/csv", "a,b", both("200 text/csv a,b")},
		{"no prelude, no type", "", "\x00\x01", both("200 application/octet-stream \x00\x01")},
		{"seven NULs", preludeType, "{}" + preludeEnd[1:] + "x", failed},
		{"no end in 16 KB", preludeType, "{" + strings.Repeat(" ", maxPrelude) + "}" + preludeEnd, failed},
		{"no JSON", preludeType, "hello" + preludeEnd, failed},
		{"a status in words", preludeType, `{"statusCode":"ok"}` + preludeEnd, failed},
		{"cut short", preludeType, `{"statusCode":200`, failed},
	}
	for _, tt := range tests {
		for kind := range tt.want {
			t.Run(tt.name+"/"+kind, func(t *testing.T) {
				body := &closeRecorder{Reader: strings.NewReader(tt.stream)}
				fake := &streamer{body: body, contentType: tt.contentType}
				w := send(t, streamDoors(fake)[kind], "GET", "/test", "")
				if got := fmt.Sprintf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body); got != tt.want[kind] {
					t.Errorf("%q, want %q", got, tt.want[kind])
				}
				if !fake.asked.Stream || !body.closed {
					t.Errorf("asked for a stream: %v, closed: %v", fake.asked.Stream, body.closed)
				}
				if w.Code == 201 && fmt.Sprint(raw(w, "set-cookie"), raw(w, "X-A")) != "[a=1 b=2] [1]" {
					t.Errorf("headers %v", w.Header())
				}
			})
		}
	}
}

type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error {
	c.closed = true
	return nil
}

// What the function writes arrives before it writes more, and the client's leaving
// reaches it.
func TestStreamsAsTheyCome(t *testing.T) {
	for kind := range streamDoors(nil) {
		t.Run(kind, func(t *testing.T) {
			function, stream := newStream()
			server := httptest.NewServer(streamDoors(&streamer{body: stream, contentType: preludeType})[kind])
			defer server.Close()
			go io.WriteString(function, `{"statusCode":200}`+preludeEnd)
			resp, err := server.Client().Get(server.URL + "/test/x")
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(resp.Body)
			for i := range 3 {
				fmt.Fprintf(function, "line %d\n", i)
				if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("line %d\n", i) {
					t.Fatalf("%q, %v", line, err)
				}
			}
			resp.Body.Close()
			for err = nil; err == nil; {
				_, err = io.WriteString(function, strings.Repeat("x", 1<<20))
			}
			if !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("the function sees %v", err)
			}
		})
	}
}

// newStream is a stream and its function's end.
func newStream() (*io.PipeWriter, *io.PipeReader) {
	r, w := io.Pipe()
	return w, r
}

// A function that fails midway leaves the client with a response that is visibly
// not whole, and the next request works.
func TestStreamFailsMidway(t *testing.T) {
	for kind := range streamDoors(nil) {
		fake := &streamer{body: io.NopCloser(io.MultiReader(strings.NewReader("half"), brokenReader{})), contentType: "text/plain"}
		server := httptest.NewServer(streamDoors(fake)[kind])
		resp, err := server.Client().Get(server.URL + "/test/x")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || string(got) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %d %q %v", kind, resp.StatusCode, got, err)
		}
		fake.body = io.NopCloser(strings.NewReader("whole"))
		if resp, err = server.Client().Get(server.URL + "/test/x"); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != "whole" || err != nil {
			t.Errorf("%s: the next is %q %v", kind, got, err)
		}
		server.Close()
	}
}

// FuzzPrelude holds that a stream's body is what follows its prelude, whole.
func FuzzPrelude(f *testing.F) {
	f.Add([]byte(`{"statusCode":200}`+preludeEnd+"body"), 3)
	f.Add([]byte(strings.Repeat("\x00", 20)), 1)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		if size < 1 {
			size = 1
		}
		response := &invocation.Response{Body: io.NopCloser(&pieces{stream, size}), ContentType: preludeType}
		a, err := streamed(response)
		if err != nil {
			return
		}
		_, want, ok := bytes.Cut(stream, []byte(preludeEnd))
		if got, err := io.ReadAll(a.stream); !ok || err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q is read as %q, %v", stream, got, err)
		}
	})
}

// pieces gives at most size bytes at a time.
type pieces struct {
	rest []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func BenchmarkStream(b *testing.B) {
	const size = 20 << 20
	fake := &streamer{contentType: preludeType}
	server := httptest.NewServer(streamDoors(fake)["function URL"])
	defer server.Close()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		fake.body = io.NopCloser(io.MultiReader(strings.NewReader("{}"+preludeEnd), io.LimitReader(endless{}, size)))
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
			b.Fatal(n, err)
		}
		resp.Body.Close()
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
