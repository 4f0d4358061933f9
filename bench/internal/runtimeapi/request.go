//go:build linux

package runtimeapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

// kind is which call of the Runtime API a request is.
type kind int

const (
	other kind = iota
	next
	response
	failure
)

// request is one call of a function, its body read to the end.
type request struct {
	kind      kind
	line      string    // the request line, only of the kind other
	arrived   time.Time // when the call's last byte was here
	firstByte time.Time // when the first byte of its body was here; zero without a body
	size      int64     // bytes of the body, without the framing
	head      []byte    // the body's first bytes, up to headSize; valid until the next call
	failed    bool      // the body ended with an error in its trailers
}

// headSize is how much of a body is kept for the caller to look at.
const headSize = 512

// reader reads calls from one blocking socket. It looks for what this server has
// to know and passes over everything else.
type reader struct {
	fd   int
	buf  []byte
	r, w int // the unread bytes are buf[r:w]
	head [headSize]byte
}

func newReader(fd int) *reader {
	return &reader{fd: fd, buf: make([]byte, 256<<10)}
}

// fill reads once, behind what is unread. io.EOF means that the peer has closed.
func (r *reader) fill() error {
	if r.r == r.w {
		r.r, r.w = 0, 0
	}
	if r.w == len(r.buf) {
		if r.r == 0 {
			return errors.New("a line or a header is longer than the buffer")
		}
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
	}
	for {
		n, err := syscall.Read(r.fd, r.buf[r.w:])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case n == 0:
			return io.EOF
		}
		r.w += n
		return nil
	}
}

var (
	headerEnd        = []byte("\r\n\r\n")
	lineEnd          = []byte("\r\n")
	contentLength    = []byte("Content-Length:")
	transferEncoding = []byte("Transfer-Encoding:")
	chunked          = []byte("chunked")
	errorTrailer     = []byte("Lambda-Runtime-Function-Error-Type:")
)

// next reads one call. Errors end the connection; io.EOF is an orderly end.
func (r *reader) next() (request, error) {
	var end int
	for searched := 0; ; {
		if i := bytes.Index(r.buf[r.r+searched:r.w], headerEnd); i >= 0 {
			end = r.r + searched + i
			break
		}
		searched = max(0, r.w-r.r-len(headerEnd)+1)
		if err := r.fill(); err != nil {
			return request{}, err
		}
	}
	line, header, _ := bytes.Cut(r.buf[r.r:end], lineEnd)

	req := request{kind: classify(line)}
	if req.kind == next { // it has no body, and nothing in its header matters
		req.arrived = time.Now()
		r.r = end + len(headerEnd)
		return req, nil
	}
	if req.kind == other {
		req.line = string(line)
	}
	var length int64
	isChunked := false
	for len(header) > 0 {
		var field []byte
		field, header, _ = bytes.Cut(header, lineEnd)
		if value, ok := cutFold(field, contentLength); ok {
			var err error
			if length, err = decimal(value); err != nil {
				return request{}, err
			}
		} else if value, ok := cutFold(field, transferEncoding); ok {
			isChunked = bytes.EqualFold(value, chunked)
		}
	}
	var err error
	r.r = end + len(headerEnd)
	switch {
	case isChunked:
		err = r.chunks(&req)
	case length > 0:
		err = r.body(&req, length)
	}
	req.arrived = time.Now()
	req.head = r.head[:min(req.size, headSize)]
	return req, err
}

// classify tells a call by its request line. The versions of the API and the ID
// of the invocation are not looked at.
func classify(line []byte) kind {
	path, ok := bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	switch {
	case !ok:
		return other
	case bytes.HasSuffix(path, []byte("/runtime/invocation/next")):
		return next
	case bytes.HasSuffix(path, []byte("/response")):
		return response
	case bytes.HasSuffix(path, []byte("/error")):
		return failure
	}
	return other
}

// cutFold returns what follows name in field, and whether field starts with name
// in whatever case.
func cutFold(field, name []byte) ([]byte, bool) {
	if len(field) < len(name) || !bytes.EqualFold(field[:len(name)], name) {
		return nil, false
	}
	return bytes.TrimSpace(field[len(name):]), true
}

func decimal(digits []byte) (int64, error) {
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' || n > 1<<40 {
			return 0, fmt.Errorf("content-length %q", digits)
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}

// body passes over n bytes of a body.
func (r *reader) body(req *request, n int64) error {
	for n > 0 {
		if r.r == r.w {
			if err := r.fill(); err != nil {
				return fmt.Errorf("body: %w", unexpected(err))
			}
		}
		if req.size == 0 {
			req.firstByte = time.Now()
		}
		take := int(min(n, int64(r.w-r.r)))
		if req.size < headSize {
			copy(r.head[req.size:], r.buf[r.r:r.r+take])
		}
		r.r += take
		n -= int64(take)
		req.size += int64(take)
	}
	return nil
}

// chunks passes over a chunked body and its trailers.
func (r *reader) chunks(req *request) error {
	for {
		line, err := r.line()
		if err != nil {
			return fmt.Errorf("chunk: %w", err)
		}
		size, err := hex(line)
		if err != nil {
			return err
		}
		if size == 0 {
			break
		}
		if err := r.body(req, size); err != nil {
			return err
		}
		if line, err = r.line(); err != nil || len(line) > 0 {
			return fmt.Errorf("chunk ends with %q: %w", line, err)
		}
	}
	for {
		line, err := r.line()
		if err != nil {
			return fmt.Errorf("trailer: %w", err)
		}
		if len(line) == 0 {
			return nil
		}
		if _, failed := cutFold(line, errorTrailer); failed {
			req.failed = true
		}
	}
}

// line reads up to CRLF and returns what stands before it, valid until the next read.
func (r *reader) line() ([]byte, error) {
	for searched := 0; ; {
		if i := bytes.Index(r.buf[r.r+searched:r.w], lineEnd); i >= 0 {
			line := r.buf[r.r : r.r+searched+i]
			r.r += len(line) + len(lineEnd)
			return line, nil
		}
		searched = max(0, r.w-r.r-1)
		if err := r.fill(); err != nil {
			return nil, unexpected(err)
		}
	}
}

func hex(line []byte) (int64, error) {
	var n int64
	for _, c := range line {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, fmt.Errorf("chunk size %q", line)
		}
		if n = n<<4 | int64(c); n > 1<<40 {
			return 0, fmt.Errorf("chunk size %q", line)
		}
	}
	if len(line) == 0 {
		return 0, errors.New("chunk without a size")
	}
	return n, nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
