package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// ErrReaderGone is wrapped by what a [ResponseWriter] returns when nobody reads
// the response any more. It is the cause of the handler's context, too.
var ErrReaderGone = runtimeapi.ErrReaderGone

// Content types that Lambda knows.
// Source: AWS Lambda developer guide, runtimes-custom; Amazon API Gateway
// developer guide, response-transfer-mode-lambda.
const (
	jsonType     = "application/json"
	bytesType    = "application/octet-stream"
	httpHeadType = "application/vnd.awslambda.http-integration-response"
)

// Stream makes a handler of a function that writes its response in parts: up to
// 200 MB, and the caller has the first byte long before the last. An E of []byte
// is the event as it came.
//
// An error returned before anything was sent is an ordinary error. Later it is
// sent behind what was written, and Lambda hands it on with the end of the
// stream. A handler that writes nothing at all has failed.
func Stream[E any](handle func(ctx context.Context, event E, w *ResponseWriter) error) Handler {
	return Handler{func(ctx context.Context, x *exchange) error {
		event, err := decode[E](x)
		if err != nil {
			return err
		}
		w := &ResponseWriter{x: x}
		defer func() { w.x = nil }()
		if err := handle(ctx, event, w); err != nil {
			return err
		}
		if x.stream == nil {
			return ErrNoResponse
		}
		return nil
	}}
}

// ResponseWriter takes a streamed response. What is written is collected until
// it is 64 KiB, or [ResponseWriter.Flush] is called, or the handler returns.
//
// It blocks while the reader is slower than the handler. When the reader has
// gone, its methods return errors that wrap [ErrReaderGone], and the handler's
// context ends. It is for one goroutine at a time, and not for use after the
// handler has returned.
type ResponseWriter struct {
	x *exchange
}

// ResponseHead stands in front of a stream that an HTTP client reads through a
// function URL or API Gateway.
type ResponseHead struct {
	StatusCode int               `json:"statusCode"` // 0 means 200
	Headers    map[string]string `json:"headers,omitempty"`

	// MultiValueHeaders are for REST APIs only.
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`

	Cookies []string `json:"cookies,omitempty"` // "name=value; HttpOnly", one for each Set-Cookie
}

// headEnd separates a head from the body.
// Source: Amazon API Gateway developer guide, response-transfer-mode-lambda.
const headEnd = "\x00\x00\x00\x00\x00\x00\x00\x00"

var errHeadTooLate = errors.New("the head of a response stands before its first byte, and only once")

// WriteHead begins a response for an HTTP client. It has to be the first call;
// without it, the stream is nothing but the bytes that are written.
func (w *ResponseWriter) WriteHead(head ResponseHead) error {
	if w.x == nil {
		return errReturned
	}
	if w.x.stream != nil {
		return errHeadTooLate
	}
	if head.StatusCode == 0 {
		head.StatusCode = 200
	}
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("encode the head of a response: %w", err)
	}
	_, err = w.open(httpHeadType).Write(append(text, headEnd...))
	return err
}

// Write adds p to the response.
func (w *ResponseWriter) Write(p []byte) (int, error) {
	if w.x == nil {
		return 0, errReturned
	}
	return w.open(bytesType).Write(p)
}

// ReadFrom adds all that r has to the response. io.Copy uses it, and then needs no
// buffer of its own. What r gives slowly is collected like what is written: a
// reader that is to be sent as it comes needs a loop with Flush.
func (w *ResponseWriter) ReadFrom(r io.Reader) (int64, error) {
	if w.x == nil {
		return 0, errReturned
	}
	return w.open(bytesType).ReadFrom(r)
}

// Flush sends what was written so far, without waiting for more.
func (w *ResponseWriter) Flush() error {
	if w.x == nil {
		return errReturned
	}
	return w.open(bytesType).Flush()
}

func (w *ResponseWriter) open(contentType string) *runtimeapi.Stream {
	if w.x.stream == nil {
		w.x.stream = w.x.client.Stream(w.x.event, contentType, w.x.context.end)
	}
	return w.x.stream
}
