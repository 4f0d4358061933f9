package runtimeapi

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// chunkSize is how much of a stream is collected before it is sent, in bytes. By
// go run ./bench -twins stream (2 cores, Linux 6.18, 20 blocks each), 64 KiB are
// sent at 5.0 GB/s and 32 KiB at 3.2.
const chunkSize = 64 << 10

// Every chunk is written with a size of eight digits, so that its room can be
// left free until the size is known: "0000ffff\r\n".
const sizeField = 10

// ErrReaderGone is wrapped by the errors of a stream whose reader has left.
var ErrReaderGone = errors.New("the reader of the stream has gone")

// Stream is a response that is sent in parts. It is not safe for concurrent use.
type Stream struct {
	client *Client
	gone   func(error) // called at most once, if the answer comes before the end

	ending atomic.Bool // from now on the answer is welcome

	buf   []byte         // the request's head before the first write; then one chunk
	chunk int            // where in buf the chunk's size goes
	ended chan struct{}  // closed when the answer has been read; nil before the first write
	err   error          // what the reading of the answer ended with; written before ended is closed
	await sync.WaitGroup // for the goroutine that reads it
}

// Stream begins a streamed response. Nothing is sent before the first Flush, or
// before as much has been written as fills a chunk.
//
// When the platform closes the connection or answers before the end, gone is
// called with the reason, from another goroutine.
func (c *Client) Stream(to *Event, contentType string, gone func(error)) *Stream {
	out := c.answer(c.out[:0], to, "/response", contentType)
	out = appendField(out, ResponseMode, "streaming")
	out = appendField(out, "Transfer-Encoding", "chunked")
	out = appendField(out, "Trailer", ErrorType+", "+ErrorBody)
	s := &Stream{client: c, gone: gone, buf: append(out, "\r\n"...)}
	s.begin()
	return s
}

// begin leaves room for the size of the next chunk.
func (s *Stream) begin() {
	s.chunk = len(s.buf)
	s.buf = append(s.buf, "00000000\r\n"...)
}

// Sent reports whether anything has left the process: what fails before can
// still be an ordinary error.
func (s *Stream) Sent() bool { return s.ended != nil }

// Write collects p and sends what fills a chunk. It blocks while the reader is
// slower.
func (s *Stream) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		k := min(len(p), s.room())
		s.buf = append(s.buf, p[:k]...)
		n, p = n+k, p[k:]
		if s.room() == 0 {
			if err := s.Flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// ReadFrom is Write of all that r has, without a buffer in between.
func (s *Stream) ReadFrom(r io.Reader) (n int64, err error) {
	for {
		s.buf = slices.Grow(s.buf, s.room()+len("\r\n"))
		k, err := r.Read(s.buf[len(s.buf) : len(s.buf)+s.room()])
		s.buf = s.buf[:len(s.buf)+k]
		n += int64(k)
		if s.room() == 0 {
			if err := s.Flush(); err != nil {
				return n, err
			}
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// room is how much the chunk that is being collected still takes, in bytes.
func (s *Stream) room() int { return chunkSize - (len(s.buf) - s.chunk - sizeField) }

// Flush sends what was written so far.
func (s *Stream) Flush() error {
	if s.Sent() {
		if len(s.buf) == sizeField {
			return s.early()
		}
	} else if err := s.client.connect(); err != nil {
		return err
	}
	s.seal()
	if err := s.send(); err != nil {
		return err
	}
	if !s.Sent() {
		s.ended = make(chan struct{})
		s.await.Go(s.receive)
	}
	return s.early()
}

// seal makes a chunk of what was collected; an empty one would end the stream.
func (s *Stream) seal() {
	n := len(s.buf) - s.chunk - sizeField
	if n == 0 {
		s.buf = s.buf[:s.chunk]
		return
	}
	for i := range 8 {
		s.buf[s.chunk+i] = "0123456789abcdef"[n>>(28-4*i)&15]
	}
	s.buf = append(s.buf, "\r\n"...)
}

func (s *Stream) send() error {
	_, err := s.client.conn.Write(s.buf)
	s.buf = s.buf[:0]
	s.begin()
	if err != nil {
		return errors.Join(ErrReaderGone, err)
	}
	return nil
}

// early returns the reason why the answer is there before the end, if it is.
func (s *Stream) early() error {
	select {
	case <-s.ended:
		return s.reason()
	default:
		return nil
	}
}

// receive reads the answer. It is the only one who reads the connection, while the
// handler's goroutine writes to it.
func (s *Stream) receive() {
	answer, err := s.client.receive()
	if err == nil {
		err = s.client.refusal("response", answer)
	}
	s.err = err
	close(s.ended) // before the handler is told, so that its next write says the same
	if !s.ending.Load() {
		s.gone(s.reason())
	}
}

func (s *Stream) reason() error {
	if s.err == nil {
		return ErrReaderGone // and said thanks
	}
	if refused := (*StatusError)(nil); errors.As(s.err, &refused) {
		return refused
	}
	return errors.Join(ErrReaderGone, s.err)
}

// Finish sends what is left, and with errorType an error that came after the
// first bytes, report being its JSON in base64. It returns when the platform
// has taken all.
func (s *Stream) Finish(errorType string, report []byte) error {
	s.seal()
	s.buf = append(s.buf, "0\r\n"...)
	if errorType != "" {
		s.buf = appendField(s.buf, ErrorType, errorType)
		s.buf = append(append(append(s.buf, ErrorBody+": "...), report...), "\r\n"...)
	}
	s.buf = append(s.buf, "\r\n"...)
	c := s.client
	if !s.Sent() { // all of it fits one write: an ordinary call
		c.out = s.buf
		_, _, err := c.call("response", nil)
		return err
	}
	s.ending.Store(true)
	_, err := c.conn.Write(s.buf)
	s.await.Wait() // a connection that can't be written to can't be waited for either
	c.out = s.buf[:0]
	if err != nil || s.err != nil || c.head.close {
		c.drop()
	}
	switch {
	case s.err != nil:
		return s.reason()
	case err != nil:
		return errors.Join(ErrReaderGone, err)
	}
	return nil
}
