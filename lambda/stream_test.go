package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

func TestStreamSendsAsItIsFlushed(t *testing.T) {
	p := newPlatform(t)
	next := make(chan string)
	r := p.start(Stream(func(_ context.Context, _ any, w *ResponseWriter) error {
		for text := range next {
			io.WriteString(w, text)
			if err := w.Flush(); err != nil {
				return err
			}
		}
		return nil
	}))
	c := p.accept()
	c.invoke("1", `{}`, "Lambda-Runtime-Invocation-Id: attempt-1")
	next <- "first"
	got := c.head() // before the handler has ended
	for name, want := range map[string]string{
		HeaderResponseMode: "streaming",
		HeaderInvocationID: "attempt-1",
		"Content-Type":     "application/octet-stream",
	} {
		if h := got.Header.Get(name); h != want {
			t.Errorf("%s: %q, want %q", name, h, want)
		}
	}
	for _, name := range []string{HeaderErrorType, HeaderErrorBody} {
		if _, ok := got.Trailer[name]; !ok {
			t.Errorf("the trailer %s is not announced", name)
		}
	}
	part := make([]byte, 100)
	for _, want := range []string{"first", "second"} {
		if want == "second" {
			next <- want
		}
		if n, err := io.ReadFull(got.Body, part[:len(want)]); err != nil || string(part[:n]) != want {
			t.Fatalf("read %q, %v", part[:n], err)
		}
	}
	close(next)
	if rest, err := io.ReadAll(got.Body); len(rest) > 0 || err != nil {
		t.Errorf("read %q, %v", rest, err)
	}
	if got.Trailer.Get(HeaderErrorType) != "" {
		t.Errorf("trailers %v", got.Trailer)
	}
	c.say(accepted)
	c.expect("GET /2018-06-01/runtime/invocation/next") // on the same connection
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

func TestStreamBodies(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB
	for _, tt := range []struct {
		name        string
		write       func(w *ResponseWriter) error
		contentType string
		body        string
	}{
		{"one that fits a write", func(w *ResponseWriter) error {
			_, err := io.WriteString(w, "short")
			return err
		}, bytesType, "short"},
		{"one that is long", func(w *ResponseWriter) error {
			_, err := io.WriteString(w, long)
			return err
		}, bytesType, long},
		{"one of many small parts", func(w *ResponseWriter) error {
			for i := range 100_000 {
				if _, err := fmt.Fprintf(w, "%05d", i); err != nil {
					return err
				}
			}
			return nil
		}, bytesType, func() string {
			var b strings.Builder
			for i := range 100_000 {
				fmt.Fprintf(&b, "%05d", i)
			}
			return b.String()
		}()},
		{"one copied from a reader", func(w *ResponseWriter) error {
			io.WriteString(w, "and ")
			n, err := io.Copy(w, io.LimitReader(strings.NewReader(long), 200_000))
			if n != 200_000 {
				return fmt.Errorf("copied %d bytes", n)
			}
			return err
		}, bytesType, "and " + long[:200_000]},
		{"one copied from a reader that gives little", func(w *ResponseWriter) error {
			_, err := io.Copy(w, iotest.OneByteReader(strings.NewReader(long[:100_000])))
			return err
		}, bytesType, long[:100_000]},
		{"one that just fits a chunk", func(w *ResponseWriter) error {
			_, err := io.WriteString(w, long[:64<<10])
			return err
		}, bytesType, long[:64<<10]},
		{"an empty one, on purpose", func(w *ResponseWriter) error { return w.Flush() }, bytesType, ""},
		{"flushed twice", func(w *ResponseWriter) error { w.Flush(); io.WriteString(w, "x"); w.Flush(); return w.Flush() }, bytesType, "x"},
		{"a head and a body", func(w *ResponseWriter) error {
			err := w.WriteHead(ResponseHead{StatusCode: 201, Headers: map[string]string{"X-Berth": "7"}, Cookies: []string{"a=b", "c=d"}})
			io.WriteString(w, "body")
			return err
		}, httpHeadType, `{"statusCode":201,"headers":{"X-Berth":"7"},"cookies":["a=b","c=d"]}` + "\x00\x00\x00\x00\x00\x00\x00\x00body"},
		{"a head and no body", func(w *ResponseWriter) error {
			return w.WriteHead(ResponseHead{MultiValueHeaders: map[string][]string{"A": {"1", "2"}}})
		}, httpHeadType, `{"statusCode":200,"multiValueHeaders":{"A":["1","2"]}}` + "\x00\x00\x00\x00\x00\x00\x00\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			p.start(Stream(func(_ context.Context, _ []byte, w *ResponseWriter) error { return tt.write(w) }))
			c := p.accept()
			for _, id := range []string{"1", "2"} {
				c.invoke(id, `{}`)
				got := c.answer(id)
				if got.body != tt.body || got.header.Get("Content-Type") != tt.contentType {
					t.Errorf("sent %d bytes %.100q as %s", len(got.body), got.body, got.header.Get("Content-Type"))
				}
			}
		})
	}
}

func TestStreamHeadStandsFirst(t *testing.T) {
	p := newPlatform(t)
	late := make(chan error, 2)
	p.start(Stream(func(_ context.Context, _ any, w *ResponseWriter) error {
		io.WriteString(w, "x")
		late <- w.WriteHead(ResponseHead{})
		return nil
	}))
	c := p.accept()
	c.invoke("1", `{}`)
	if got := c.answer("1"); got.body != "x" || <-late == nil {
		t.Errorf("sent %q, and a late head was taken", got.body)
	}
}

func TestStreamErrors(t *testing.T) {
	failed := &Error{"OutOfStock", "sold out"}
	for _, tt := range []struct {
		name   string
		handle func(w *ResponseWriter) error
		typ    string
	}{
		{"before anything was written", func(*ResponseWriter) error { return failed }, "OutOfStock"},
		{"before anything was sent", func(w *ResponseWriter) error { io.WriteString(w, "x"); return failed }, "OutOfStock"},
		{"the reader that is copied fails at once", func(w *ResponseWriter) error {
			_, err := io.Copy(w, iotest.ErrReader(failed))
			return err
		}, "OutOfStock"},
		{"nothing was written", func(*ResponseWriter) error { return nil }, "NoResponse"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			p.start(Stream(func(_ context.Context, _ any, w *ResponseWriter) error { return tt.handle(w) }))
			c := p.accept()
			c.invoke("1", `{}`)
			if got := c.failure("1"); !strings.Contains(got.body, `"errorType":"`+tt.typ+`"`) {
				t.Errorf("sent %s", got.body)
			}
			c.invoke("2", `{}`)
			c.failure("2")
		})
	}
}

func TestStreamErrorMidway(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func() error
		typ  string
		ends bool
	}{
		{"an error", func() error { return &Error{"OutOfStock", "sold out"} }, "Function.OutOfStock", false},
		{"a panic", func() error { panic("sold out") }, "Function.Panic", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			r := p.start(Stream(func(_ context.Context, _ any, w *ResponseWriter) error {
				io.WriteString(w, "half")
				w.Flush()
				io.WriteString(w, "way")
				return tt.fail()
			}))
			c := p.accept()
			c.invoke("1", `{}`)
			got := c.answer("1")
			if got.body != "halfway" || got.trailer.Get(HeaderErrorType) != tt.typ {
				t.Errorf("sent %q, trailers %v", got.body, got.trailer)
			}
			body, err := base64.StdEncoding.DecodeString(got.trailer.Get(HeaderErrorBody))
			if err != nil || !strings.Contains(string(body), `"errorMessage":"sold out"`) {
				t.Errorf("the trailer says %s, %v", body, err)
			}
			if tt.ends {
				if e := (*PanicError)(nil); !errors.As(r.wait(), &e) {
					t.Errorf("Run returned %v", r.err)
				}
				return
			}
			c.invoke("2", `{}`)
		})
	}
}

// A reader that goes must end the handler's work, even if the handler does
// nothing but wait.
func TestStreamReaderGoes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		leave func(c *peer)
		cause func(error) bool
	}{
		{"closes the connection", func(c *peer) { c.Close() },
			func(err error) bool { return errors.Is(err, ErrReaderGone) }},
		{"resets the connection", func(c *peer) { c.Conn.(*net.TCPConn).SetLinger(0); c.Close() },
			func(err error) bool { return errors.Is(err, ErrReaderGone) }},
		{"answers before the end", func(c *peer) { c.say(accepted) },
			func(err error) bool { return errors.Is(err, ErrReaderGone) }},
		{"refuses", func(c *peer) {
			c.say("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 63\r\nConnection: close\r\n\r\n" +
				`{"errorType":"RequestEntityTooLarge","errorMessage":"Exceeded"}`)
		}, func(err error) bool { return strings.Contains(err.Error(), "413: RequestEntityTooLarge: Exceeded") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			cause := make(chan error, 1)
			written := make(chan error, 1)
			p.start(Stream(func(ctx context.Context, _ any, w *ResponseWriter) error {
				io.WriteString(w, "x")
				w.Flush()
				<-ctx.Done()
				cause <- context.Cause(ctx)
				err := w.Flush()
				written <- err
				return err
			}))
			c := p.accept()
			c.invoke("1", `{}`)
			c.head()
			tt.leave(c)
			if err := <-cause; !tt.cause(err) {
				t.Errorf("the context's cause is %v", err)
			}
			if err := <-written; !tt.cause(err) {
				t.Errorf("the writer said %v", err)
			}
			if tt.name == "answers before the end" {
				// The connection may live on: the runtime ends its request there.
				return
			}
			p.accept().invoke("2", `{}`)
		})
	}
}

// The writer blocks while nobody reads, instead of collecting 200 MB.
func TestStreamBackPressure(t *testing.T) {
	p := newPlatform(t)
	const size = 64 << 20
	written := make(chan int64, 1)
	p.start(Stream(func(ctx context.Context, _ any, w *ResponseWriter) error {
		n, err := io.Copy(w, io.LimitReader(zeros{}, size))
		written <- n
		return err
	}))
	c := p.accept()
	c.invoke("1", `{}`)
	r := c.head()
	buf := make([]byte, 1<<20)
	for range 8 {
		io.ReadFull(r.Body, buf)
	}
	select {
	case n := <-written:
		t.Errorf("%d bytes were written while 8 MiB were read", n)
	default:
	}
	if n, err := io.Copy(io.Discard, r.Body); n != size-8<<20 || err != nil {
		t.Errorf("read %d bytes more, %v", n, err)
	}
	if n := <-written; n != size {
		t.Errorf("%d bytes were written", n)
	}
	c.say(accepted)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestStreamIsOverWithItsHandler(t *testing.T) {
	p := newPlatform(t)
	left := make(chan *ResponseWriter, 1)
	p.start(Stream(func(_ context.Context, _ any, w *ResponseWriter) error {
		left <- w
		return w.Flush()
	}))
	c := p.accept()
	c.invoke("1", `{}`)
	c.answer("1")
	c.expect("GET /2018-06-01/runtime/invocation/next")
	w := <-left
	if _, err := w.Write([]byte("x")); !errors.Is(err, errReturned) {
		t.Errorf("Write said %v", err)
	}
	if err := w.Flush(); !errors.Is(err, errReturned) {
		t.Errorf("Flush said %v", err)
	}
	if err := w.WriteHead(ResponseHead{}); !errors.Is(err, errReturned) {
		t.Errorf("WriteHead said %v", err)
	}
}
