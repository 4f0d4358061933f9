package runtimeapi

import (
	"bytes"
	"io"
	"slices"
	"strconv"
)

const (
	// maxHead bounds a head. Lambda's longest, with a client context of 3,583
	// base64 bytes, has some 4 KB.
	maxHead = 64 << 10
	// maxLine bounds the line in front of a chunk.
	maxLine = 4 << 10
	// smallBody is the longest body that is read into the input buffer itself.
	smallBody = 64 << 10
	// keptBody is the largest buffer for a body that is kept for the next one.
	keptBody = 1 << 20
	// trusted is the largest length that is believed before the bytes are seen:
	// an event of Lambda's has 6 MB.
	trusted = 8 << 20
)

// input reads answers from a connection. buf[from:to] has been received and not
// consumed. What its methods return lies in buf or large and is valid until the
// next head is read.
type input struct {
	src      io.Reader
	buf      []byte
	from, to int
	large    []byte // a body that buf has no room for; nil after it was given away
}

// reset forgets what was received and goes on with another connection.
func (in *input) reset(src io.Reader) { in.src, in.from, in.to = src, 0, 0 }

// pending reports whether the server has sent what nobody asked for.
func (in *input) pending() bool { return in.from != in.to }

// fill receives at least one byte more. io.EOF means that there is none.
func (in *input) fill() error {
	if in.to == len(in.buf) {
		if in.from > 0 {
			in.to = copy(in.buf, in.buf[in.from:in.to])
			in.from = 0
		} else {
			in.buf = append(in.buf, make([]byte, max(4<<10, len(in.buf)))...)
		}
	}
	for range 100 {
		n, err := in.src.Read(in.buf[in.to:])
		in.to += n
		if n > 0 {
			return nil // an error comes again with the next read
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// head consumes a head with its empty line. The error is io.EOF only when the
// server closed the connection before the first byte.
func (in *input) head() ([]byte, error) {
	if in.from == in.to {
		in.from, in.to = 0, 0
	}
	if cap(in.large) > keptBody {
		in.large = nil
	}
	for seen := 0; ; {
		if i := bytes.Index(in.buf[in.from+seen:in.to], []byte("\r\n\r\n")); i >= 0 {
			return in.consume(seen + i + 4), nil
		}
		if in.to-in.from > maxHead {
			return nil, malformed("header longer than 64 KiB")
		}
		seen = max(0, in.to-in.from-3)
		if err := in.fill(); err != nil {
			if err == io.EOF && in.from != in.to {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// body consumes the body that h announces.
func (in *input) body(h *head) ([]byte, error) {
	switch {
	case h.bodiless():
		return nil, nil
	case h.chunked:
		return in.chunks()
	case h.length < 0:
		h.close = true
		return in.rest()
	case h.length <= smallBody:
		return in.small(int(h.length))
	}
	in.large = slices.Grow(in.large[:0], int(min(h.length, trusted)))
	if err := in.append(h.length); err != nil {
		return nil, err
	}
	return in.large, nil
}

// own returns what body returned so that it stays valid: a large body as it is,
// a small one as a copy.
func (in *input) own(body []byte) []byte {
	if len(body) > 0 && len(in.large) > 0 && &body[0] == &in.large[0] {
		in.large = nil
		return body
	}
	return append(make([]byte, 0, len(body)), body...)
}

func (in *input) consume(n int) []byte {
	in.from += n
	return in.buf[in.from-n : in.from : in.from]
}

// small consumes n bytes without moving them out of the buffer.
func (in *input) small(n int) ([]byte, error) {
	for in.to-in.from < n {
		if err := in.fill(); err != nil {
			return nil, unexpected(err)
		}
	}
	return in.consume(n), nil
}

// append moves the next n bytes to the end of large.
func (in *input) append(n int64) error {
	for n > 0 {
		if k := int(min(n, int64(in.to-in.from))); k > 0 {
			in.large = append(in.large, in.consume(k)...)
			n -= int64(k)
			continue
		}
		in.large = slices.Grow(in.large, int(min(n, smallBody)))
		free := in.large[len(in.large):cap(in.large)]
		k, err := io.ReadAtLeast(in.src, free[:min(n, int64(len(free)))], 1)
		in.large = in.large[:len(in.large)+k]
		n -= int64(k)
		if err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// rest consumes all that comes until the server closes the connection.
func (in *input) rest() ([]byte, error) {
	in.large = in.large[:0]
	for {
		in.large = append(in.large, in.consume(in.to-in.from)...)
		if err := in.fill(); err == io.EOF {
			return in.large, nil
		} else if err != nil {
			return nil, err
		}
	}
}

// chunks consumes a body in the chunked coding, its trailers included.
// Source: RFC 9112, section 7.1.
func (in *input) chunks() ([]byte, error) {
	in.large = in.large[:0]
	for {
		line, err := in.line()
		if err != nil {
			return nil, err
		}
		size, ok := parseChunkSize(line)
		if !ok {
			return nil, malformed("chunk size " + strconv.Quote(clip(line)))
		}
		if size == 0 {
			break
		}
		if err := in.append(size); err != nil {
			return nil, err
		}
		if line, err = in.line(); err != nil {
			return nil, err
		} else if len(line) > 0 {
			return nil, malformed("chunk longer than its size")
		}
	}
	for trailers := 0; trailers <= maxHead; {
		line, err := in.line()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			return in.large, nil
		}
		if nameEnd(line) < 0 {
			return nil, malformed("trailer line " + strconv.Quote(clip(line)))
		}
		trailers += len(line)
	}
	return nil, malformed("trailers longer than 64 KiB")
}

// line consumes a line and returns it without its end.
func (in *input) line() ([]byte, error) {
	for seen := 0; ; {
		if i := bytes.Index(in.buf[in.from+seen:in.to], crlf); i >= 0 {
			line := in.consume(seen + i + 2)
			return line[:len(line)-2], nil
		}
		if in.to-in.from > maxLine {
			return nil, malformed("line longer than 4 KiB")
		}
		seen = max(0, in.to-in.from-1)
		if err := in.fill(); err != nil {
			return nil, unexpected(err)
		}
	}
}

// parseChunkSize reads "1a2b" or "1a2b;extension".
func parseChunkSize(line []byte) (n int64, ok bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 12 {
		return 0, false
	}
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | int64(c)
	}
	return n, true
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
