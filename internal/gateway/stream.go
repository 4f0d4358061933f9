package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/berthdev/berth/internal/invocation"
)

// Streamed answers to HTTP begin with a prelude, JSON that ends with eight NULs.
// Source: AWS Lambda developer guide, configuration-response-streaming; Amazon API
// Gateway developer guide, response-transfer-mode-lambda.
const (
	preludeType = "application/vnd.awslambda.http-integration-response"
	preludeEnd  = "\x00\x00\x00\x00\x00\x00\x00\x00"
	maxPrelude  = 16 << 10 // bytes, with its end
)

// streamChunk is the most that is passed on at a time, in bytes.
const streamChunk = 64 << 10

// streamed reads the beginning of a streamed answer. The rest comes from the
// answer's stream, which is response's body; write closes it.
func streamed(response *invocation.Response) (*answer, error) {
	a := &answer{status: http.StatusOK, stream: response.Body, defaultType: "application/octet-stream"}
	if response.ContentType != preludeType {
		if response.ContentType != "" {
			a.header = []field{{"Content-Type", []string{response.ContentType}}}
		}
		return a, nil
	}
	body := bufio.NewReaderSize(response.Body, streamChunk)
	prelude, err := readPrelude(body)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("malformed stream: %w", err), response.Body.Close())
	}
	if err := a.readPrelude(prelude); err != nil {
		return nil, errors.Join(fmt.Errorf("malformed stream: %w", err), response.Body.Close())
	}
	a.stream = struct {
		io.Reader
		io.Closer
	}{body, response.Body}
	return a, nil
}

// readPrelude reads up to the end of the prelude, and no byte more.
func readPrelude(body *bufio.Reader) ([]byte, error) {
	var prelude []byte
	for len(prelude) < maxPrelude {
		b, err := body.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("prelude: %w", err)
		}
		if prelude = append(prelude, b); b == 0 && bytes.HasSuffix(prelude, []byte(preludeEnd)) {
			return prelude[:len(prelude)-len(preludeEnd)], nil
		}
	}
	return nil, fmt.Errorf("no end of the prelude in %d bytes", maxPrelude)
}

// readPrelude takes status, headers and cookies from a prelude.
func (a *answer) readPrelude(prelude []byte) error {
	var fields struct {
		StatusCode        json.RawMessage `json:"statusCode"`
		Headers           json.RawMessage `json:"headers"`
		MultiValueHeaders json.RawMessage `json:"multiValueHeaders"`
		Cookies           []string        `json:"cookies"`
	}
	if err := json.Unmarshal(prelude, &fields); err != nil {
		return fmt.Errorf("prelude: %w", err)
	}
	var errs [3]error
	var single, multi []field
	a.status, errs[0] = parseStatus(notNull(fields.StatusCode))
	single, errs[1] = parseHeaders(notNull(fields.Headers))
	multi, errs[2] = parseMultiHeaders(notNull(fields.MultiValueHeaders))
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("prelude: %w", err)
	}
	a.header = mergeHeaders(multi, single)
	if len(fields.Cookies) > 0 {
		a.header = append(a.header, field{"set-cookie", fields.Cookies})
	}
	return nil
}

// pass sends a stream on as it comes. When the function fails midway, the client
// has had a status that says otherwise: the connection is cut, so that it can tell.
// When the client leaves, closing the stream tells the function.
func pass(w http.ResponseWriter, stream io.ReadCloser) {
	defer stream.Close()
	control := http.NewResponseController(w)
	if control.Flush() != nil { // the head: the function may think before it writes
		return
	}
	buffer := make([]byte, streamChunk)
	for {
		n, err := stream.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return
			}
			if control.Flush() != nil {
				return
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			panic(http.ErrAbortHandler)
		}
	}
}
