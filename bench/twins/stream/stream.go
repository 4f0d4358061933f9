// Package stream is what the twins copy from a reader: 20 MiB, to an HTTP client.
package stream

import (
	"bytes"
	"io"

	"github.com/berthdev/berth/bench/twins/count"
)

// Size of a response's body, in bytes.
const Size = 20 << 20

// CountEvent asks the function for [count.Heap].
const CountEvent = `{"rawPath":"/heap"}`

// Event is the part of a function URL's request that the function reads.
type Event struct {
	RawPath string `json:"rawPath"`
}

// ContentType of the response.
const ContentType = "application/octet-stream"

// Body is the response's body.
func Body(e Event) io.Reader {
	if e.RawPath == "/heap" {
		return bytes.NewReader([]byte(count.Heap()))
	}
	return &source{left: Size}
}

var pattern = bytes.Repeat([]byte("0123456789abcdef"), 4<<10)

// source yields a pattern, as fast as it can be copied.
type source struct{ left int }

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.left)], pattern)
	s.left -= n
	return n, nil
}
