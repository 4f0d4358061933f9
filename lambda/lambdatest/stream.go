package lambdatest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Stream is a response that is read as it comes. A function that streams is held
// back by a reader who doesn't read.
type Stream struct {
	ContentType string

	body *bufio.Reader
	pipe *io.PipeReader // nil when the response was not streamed
	stop func() bool    // the deadline's timer
	gone func()         // tells the function's side
}

// Streamed reports whether the function streamed its response.
func (s *Stream) Streamed() bool { return s.pipe != nil }

// Read reads the response. It ends with io.EOF, or with a [*FunctionError] when
// the function failed midway, or a [*TimeoutError].
func (s *Stream) Read(p []byte) (int, error) { return s.body.Read(p) }

// Close leaves, even in the middle of the response: the function finds its
// connection closed.
func (s *Stream) Close() error {
	if s.pipe == nil {
		return nil
	}
	s.stop()
	s.gone()
	return s.pipe.Close()
}

// Head is what a streamed response to an HTTP request begins with.
// Source: AWS Lambda developer guide, runtimes-custom.
type Head struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"` // only a REST API knows it
	Cookies           []string            `json:"cookies"`
}

// IntegrationResponse is the content type of a streamed response that begins
// with a [Head].
const IntegrationResponse = "application/vnd.awslambda.http-integration-response"

// headEnd stands between head and body.
var headEnd = make([]byte, 8)

// Head reads the head of a response to an HTTP request; what Read returns is then
// the body alone. It is called before the first Read, and once.
func (s *Stream) Head() (*Head, error) {
	if s.ContentType != IntegrationResponse {
		return nil, fmt.Errorf("the content type is %q, not %s", s.ContentType, IntegrationResponse)
	}
	var text []byte
	for !bytes.HasSuffix(text, headEnd) {
		b, err := s.body.ReadByte()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("read the head: %w", err)
		}
		text = append(text, b)
	}
	h := new(Head)
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimSuffix(text, headEnd)))
	dec.DisallowUnknownFields() // Lambda refuses them
	if err := dec.Decode(h); err != nil {
		return nil, fmt.Errorf("read the head: %w", err)
	}
	return h, nil
}

func newBuffered(contentType string, body []byte) *Stream {
	return &Stream{ContentType: contentType, body: bufio.NewReader(bytes.NewReader(body))}
}

// intake is the function's side of a stream.
type intake struct {
	pipe   *io.PipeWriter
	reader context.Context // ends when the reader has gone
}

func newStream(contentType string, deadline time.Time, timeout time.Duration) (*Stream, intake) {
	r, w := io.Pipe()
	timer := time.AfterFunc(time.Until(deadline), func() { w.CloseWithError(&TimeoutError{timeout}) })
	reader, gone := context.WithCancel(context.Background())
	return &Stream{ContentType: contentType, body: bufio.NewReader(r), pipe: r, stop: timer.Stop, gone: gone}, intake{w, reader}
}

// copy passes the body of a request on, then how it ended. It reports whether
// anybody wanted to know to the end. A reader who leaves ends it at once, even
// while the function writes nothing.
func (in intake) copy(w http.ResponseWriter, r *http.Request) bool {
	// net/http would wait for more of the body before it closes a connection.
	hangUp := func() { http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) }
	defer context.AfterFunc(in.reader, hangUp)()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(buf)
		if n > 0 {
			if _, gone := in.pipe.Write(buf[:n]); gone != nil { // or the time is up
				hangUp()
				return false
			}
		}
		if err == io.EOF {
			in.pipe.CloseWithError(trailerError(r.Trailer)) // nil is io.EOF
			return true
		}
		if err != nil {
			in.pipe.CloseWithError(&ExitError{fmt.Errorf("in the middle of its response: %w", err)})
			return false
		}
	}
}
