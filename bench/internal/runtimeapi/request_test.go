//go:build linux

package runtimeapi

import (
	"bytes"
	"io"
	"strings"
	"syscall"
	"testing"
)

// calls feeds bytes to a reader through a socket, in pieces of the given size.
func calls(t *testing.T, piece int, text string) *reader {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer syscall.Close(fds[1])
		for part := []byte(text); len(part) > 0; {
			n := min(piece, len(part))
			if write(fds[1], part[:n]) != nil {
				return
			}
			part = part[n:]
		}
	}()
	t.Cleanup(func() {
		syscall.Close(fds[0])
		<-done
	})
	return newReader(fds[0])
}

func TestCallsAreReadHoweverTheyArrive(t *testing.T) {
	const stream = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n" +
		"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\ncontent-LENGTH: 5\r\n\r\nhello" +
		"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nA\r\nlo, world!\r\n0\r\n\r\n" +
		"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nlambda-runtime-function-error-type: E\r\n\r\n" +
		"POST /2018-06-01/runtime/invocation/1/error HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}" +
		"PUT /elsewhere HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
	want := []struct {
		kind   kind
		head   string
		failed bool
	}{
		{next, "", false},
		{response, "hello", false},
		{response, "hello, world!", false},
		{response, "x", true},
		{failure, "{}", false},
		{other, "", false},
	}
	for _, piece := range []int{1, 7, len(stream)} {
		r := calls(t, piece, stream)
		for i, w := range want {
			got, err := r.next()
			if err != nil {
				t.Fatalf("pieces of %d: call %d: %v", piece, i, err)
			}
			if got.kind != w.kind || string(got.head) != w.head || got.failed != w.failed {
				t.Errorf("pieces of %d: call %d: kind %d, body %q, failed %t; want %d, %q, %t",
					piece, i, got.kind, got.head, got.failed, w.kind, w.head, w.failed)
			}
			if (got.size > 0) == got.firstByte.IsZero() {
				t.Errorf("pieces of %d: call %d: %d bytes, the first at %v", piece, i, got.size, got.firstByte)
			}
		}
		if _, err := r.next(); err != io.EOF {
			t.Errorf("pieces of %d: at the end: %v, want io.EOF", piece, err)
		}
	}
}

func TestABrokenCallIsAnError(t *testing.T) {
	for name, stream := range map[string]string{
		"a body cut short":         "POST /1/response HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel",
		"a length that is none":    "POST /1/response HTTP/1.1\r\nContent-Length: five\r\n\r\nhello",
		"a chunk without a size":   "POST /1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
		"a chunk longer than said": "POST /1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
		"an endless header":        "GET /" + strings.Repeat("x", 300<<10),
	} {
		t.Run(name, func(t *testing.T) {
			if req, err := calls(t, len(stream), stream).next(); err == nil || err == io.EOF {
				t.Errorf("read as %+v, error %v", req, err)
			}
		})
	}
}

func TestABodyOfManyBuffersIsCounted(t *testing.T) {
	const size = 3 << 20
	stream := "POST /1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n300000\r\n" +
		string(bytes.Repeat([]byte("y"), size)) + "\r\n0\r\n\r\n"
	req, err := calls(t, len(stream), stream).next()
	if err != nil || req.size != size || len(req.head) != headSize {
		t.Errorf("%d bytes, %d of them kept, error %v; want %d and %d", req.size, len(req.head), err, size, headSize)
	}
}
