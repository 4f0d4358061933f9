package lambdahttp

import (
	"net/http"

	"github.com/berthdev/berth/lambda"
)

// stream sends a response while it is written. Its head goes out with the first
// byte of the body, or the first Flush, or at the end.
type stream struct {
	head
	format format
	out    *lambda.ResponseWriter
	begun  bool
	err    error // of writing the head
}

// begin writes the head, if it has not been written. body is the first of it.
func (s *stream) begin(body []byte) error {
	if s.begun {
		return s.err
	}
	s.begun = true
	s.WriteHeader(http.StatusOK)
	s.sniff(body)
	var a answer
	a.setHeader(s.sent, s.format)
	s.err = s.out.WriteHead(lambda.ResponseHead{
		StatusCode:        s.status,
		Headers:           a.Headers,
		MultiValueHeaders: a.MultiHeaders,
		Cookies:           a.Cookies,
	})
	return s.err
}

func (s *stream) Write(p []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	if !s.hasBody() {
		return 0, http.ErrBodyNotAllowed
	}
	if err := s.begin(p); err != nil {
		return 0, err
	}
	if s.method == http.MethodHead {
		return len(p), nil
	}
	return s.out.Write(p)
}

func (s *stream) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// Flush is for handlers that ask for an http.Flusher.
func (s *stream) Flush() { s.FlushError() }

// FlushError is what http.ResponseController calls. Its error wraps
// [lambda.ErrReaderGone] when the client has left.
func (s *stream) FlushError() error {
	if err := s.begin(nil); err != nil {
		return err
	}
	return s.out.Flush()
}
