package service

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/berthdev/berth/internal/invocation"
)

// chunkBytes is the most that one PayloadChunk carries.
const chunkBytes = 64 << 10

// invokeWithResponseStream is the operation of that name: the function's response
// as it comes, in event-stream frames.
// Source: AWS Lambda API reference, InvokeWithResponseStream.
func (s *Service) invokeWithResponseStream(c *call) error {
	req, kind, err := parseInvoke(c, "RequestResponse", "DryRun")
	if err != nil {
		return err
	}
	if req.Payload, err = readPayload(c, kind); err != nil {
		return err
	}
	if kind == "DryRun" {
		return s.dryRun(c, req)
	}
	req.Stream = true
	resp, err := s.invoker.Invoke(c.r.Context(), req)
	if err != nil {
		return err
	}
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	h := c.w.Header()
	h.Set("X-Amz-Executed-Version", resp.ExecutedVersion)
	h.Set("X-Amzn-Requestid", c.requestID)
	h.Set("Content-Type", "application/vnd.amazon.eventstream")
	if resp.TraceID != "" {
		h.Set("X-Amzn-Trace-Id", resp.TraceID)
	}
	c.w.WriteHeader(http.StatusOK)

	frames := &frames{w: c.w, encoder: eventstream.NewEncoder()}
	complete, err := frames.copy(resp)
	if err != nil {
		return nil // the client has left, and closing the body tells the function
	}
	if req.Tail {
		tail, err := logTail(c, resp)
		if err != nil {
			return nil // likewise
		}
		complete.LogResult = base64.StdEncoding.EncodeToString(tail)
	}
	_ = frames.write("InvokeComplete", "application/json", encodeJSON(complete))
	return nil
}

func logTail(c *call, resp *invocation.Response) ([]byte, error) {
	if resp.Body == nil {
		return resp.LogTail, nil
	}
	return resp.Tail(c.r.Context())
}

// invokeComplete is the last frame of a stream. What is not set is left out.
type invokeComplete struct {
	ErrorCode    string `json:",omitempty"`
	ErrorDetails string `json:",omitempty"`
	LogResult    string `json:",omitempty"`
}

// frames writes event-stream frames as they come.
type frames struct {
	w       http.ResponseWriter
	encoder *eventstream.Encoder
}

// copy sends a response in chunks and says how it ended. The error is the
// client's leaving.
func (f *frames) copy(resp *invocation.Response) (invokeComplete, error) {
	if resp.Body == nil {
		if resp.FunctionError != "" {
			return invokeComplete{ErrorCode: resp.FunctionError, ErrorDetails: string(resp.Payload)}, nil
		}
		for chunk := range chunks(resp.Payload) {
			if err := f.write("PayloadChunk", "application/octet-stream", chunk); err != nil {
				return invokeComplete{}, err
			}
		}
		return invokeComplete{}, nil
	}
	buffer := make([]byte, chunkBytes)
	for {
		n, err := resp.Body.Read(buffer)
		if n > 0 {
			if err := f.write("PayloadChunk", "application/octet-stream", buffer[:n]); err != nil {
				return invokeComplete{}, err
			}
		}
		var failure *invocation.StreamError
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return invokeComplete{}, nil
		case errors.As(err, &failure):
			return invokeComplete{ErrorCode: failure.Type, ErrorDetails: string(failure.Payload)}, nil
		default:
			return invokeComplete{}, err
		}
	}
}

// chunks yields b in pieces of at most chunkBytes.
func chunks(b []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(len(b), chunkBytes)
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// write sends one frame at once.
func (f *frames) write(event, contentType string, payload []byte) error {
	headers := eventstream.Headers{}
	headers.Set(":message-type", eventstream.StringValue("event"))
	headers.Set(":event-type", eventstream.StringValue(event))
	headers.Set(":content-type", eventstream.StringValue(contentType))
	if err := f.encoder.Encode(f.w, eventstream.Message{Headers: headers, Payload: payload}); err != nil {
		return fmt.Errorf("send %s: %w", event, err)
	}
	return http.NewResponseController(f.w).Flush()
}

func encodeJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // only strings are marshalled
		panic(err)
	}
	return b
}
