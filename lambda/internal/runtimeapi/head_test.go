package runtimeapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// read parses one answer as a client does.
func read(src io.Reader) (status int, body string, err error) {
	c := New("test", nil)
	c.in.reset(src)
	b, err := c.receive()
	return c.head.status, string(b), err
}

func TestAnswersThatAreTaken(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		status       int
		body         string
	}{
		{"a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
		{"no words behind the status", "HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", 202, ""},
		{"names in another case", "HTTP/1.1 200 OK\r\ncONTENT-lENGTH: 2\r\n\r\n{}", 200, "{}"},
		{"blanks around a value", "HTTP/1.1 200 OK\r\nContent-Length: \t2 \t\r\n\r\n{}", 200, "{}"},
		{"an empty value", "HTTP/1.1 200 OK\r\nX:\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
		{"the same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n01\r\n}\r\n0\r\n\r\n", 200, "{}"},
		{"chunks with extensions and trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA ;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n", 200, "0123456789"},
		{"no length: all until the end", "HTTP/1.1 200 OK\r\n\r\n{}", 200, "{}"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
		{"an interim answer before", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
		{"no content, whatever its length says", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, ""},
		{"a body that just fits", "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + strings.Repeat("x", 65536), 200, strings.Repeat("x", 65536)},
		{"a body that has to be put elsewhere", "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n" + strings.Repeat("x", 65537), 200, strings.Repeat("x", 65537)},
		{"6 MB", "HTTP/1.1 200 OK\r\nContent-Length: 6291456\r\n\r\n" + strings.Repeat("x", 6291456), 200, strings.Repeat("x", 6291456)},
	} {
		for how, src := range map[string]io.Reader{
			"at once":               strings.NewReader(tt.answer),
			"byte by byte":          iotest.OneByteReader(strings.NewReader(tt.answer)),
			"with the end attached": iotest.DataErrReader(strings.NewReader(tt.answer)),
		} {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				status, body, err := read(src)
				if status != tt.status || body != tt.body || err != nil {
					t.Errorf("read %d, %d bytes, %v; want %d, %d bytes", status, len(body), err, tt.status, len(tt.body))
				}
			})
		}
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, answer, problem string }{
		{"another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n", "status line"},
		{"another version", "HTTP/2.0 200 OK\r\n\r\n", "status line"},
		{"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "status line"},
		{"a status with a sign", "HTTP/1.1 -20 OK\r\n\r\n", "status line"},
		{"lines without CR", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\n{}", "status line"},
		{"a header without a colon", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", "header line"},
		{"a blank before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", "header line"},
		{"a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "header line"},
		{"a NUL in a value", "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n", "header line"},
		{"a bare CR in a value", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "header line"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "Content-Length"},
		{"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", "Content-Length"},
		{"a length in words", "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}", "Content-Length"},
		{"a length beyond all measure", "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n\r\n{}", "Content-Length"},
		{"a length beside chunks", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both"},
		{"an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding"},
		{"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.0"},
		{"a chunk size that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "chunk size"},
		{"an empty chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "chunk size"},
		{"a chunk longer than its size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "chunk longer"},
		{"a header without end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70000), "64 KiB"},
		{"a chunk line without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 5000), "4 KiB"},
		{"a trailer that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n0\r\n\r\n", "trailer line"},
		{"trailers without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", 20000), "trailers"},
		{"an upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "protocol"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := read(strings.NewReader(tt.answer))
			if bad := malformed(""); !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("got %v, want a fault of the %s", err, tt.problem)
			}
		})
	}
}

func TestAnswersThatBreakOff(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n{}", // and no memory is taken for it
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
		"HTTP/1.1 200 OK\r\nContent-Le",
		"H",
	} {
		if _, _, err := read(strings.NewReader(answer)); err != io.ErrUnexpectedEOF {
			t.Errorf("%.60q: %v, want an unexpected end", answer, err)
		}
	}
	if _, _, err := read(strings.NewReader("")); err != io.EOF {
		t.Errorf("nothing at all: %v, want io.EOF", err)
	}
	if _, _, err := read(iotest.ErrReader(io.ErrClosedPipe)); err != io.ErrClosedPipe {
		t.Errorf("a broken connection: %v", err)
	}
}

// FuzzAnswer holds two properties: how an answer is cut into packets changes
// nothing, and what is taken is understood as net/http understands it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 1\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.0 500 Internal Server Error\r\nConnection: keep-alive\r\n\r\n{}",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		status, body, err := read(bytes.NewReader(answer))
		status1, body1, err1 := read(iotest.OneByteReader(bytes.NewReader(answer)))
		if status != status1 || body != body1 || (err == nil) != (err1 == nil) {
			t.Fatalf("at once: %d %q %v; byte by byte: %d %q %v", status, body, err, status1, body1, err1)
		}
		if err != nil {
			return
		}
		r := bufio.NewReader(bytes.NewReader(answer))
		for {
			theirs, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("taken as %d %q, but net/http says %v", status, body, err)
			}
			if theirs.StatusCode < 200 {
				continue
			}
			theirBody, err := io.ReadAll(theirs.Body)
			if theirs.StatusCode != status || string(theirBody) != body || err != nil {
				t.Fatalf("taken as %d %q, but net/http reads %d %q %v", status, body, theirs.StatusCode, theirBody, err)
			}
			return
		}
	})
}
