package service

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/berthdev/berth/internal/invocation"
)

// body is a streamed response that ends with err.
type body struct {
	io.Reader
	err    error
	closed chan struct{}
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) && b.err != nil {
		err = b.err
	}
	return n, err
}

func (b *body) Close() error { close(b.closed); return nil }

// The frames are read by an unmodified SDK.
// Source: AWS Lambda API reference, InvokeWithResponseStream.
func TestResponseStream(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789"), 20_000)
	for _, tt := range []struct {
		name     string
		response invocation.Response
		payload  string
		complete types.InvokeWithResponseStreamCompleteEvent
	}{
		{"a streamed response", invocation.Response{Body: &body{Reader: bytes.NewReader(long), closed: make(chan struct{})}}, string(long),
			types.InvokeWithResponseStreamCompleteEvent{}},
		{"a response that came whole", invocation.Response{Payload: long}, string(long), types.InvokeWithResponseStreamCompleteEvent{}},
		{"an empty one", invocation.Response{}, "", types.InvokeWithResponseStreamCompleteEvent{}},
		{"a function error", invocation.Response{Payload: []byte(`{"errorMessage":"no"}`), FunctionError: "Unhandled"}, "",
			types.InvokeWithResponseStreamCompleteEvent{ErrorCode: aws.String("Unhandled"), ErrorDetails: aws.String(`{"errorMessage":"no"}`)}},
		{"a function that fails midway", invocation.Response{Body: &body{Reader: bytes.NewReader([]byte("half")), closed: make(chan struct{}),
			err: &invocation.StreamError{Type: "Function.Broken", Payload: []byte(`{"errorMessage":"no"}`)}}}, "half",
			types.InvokeWithResponseStreamCompleteEvent{ErrorCode: aws.String("Function.Broken"), ErrorDetails: aws.String(`{"errorMessage":"no"}`)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeInvoker{response: &tt.response}
			out, err := client(t, fake).InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{
				FunctionName: aws.String("counter"), TenantId: aws.String("alice"), Payload: []byte("{}")})
			if err != nil {
				t.Fatal(err)
			}
			stream := out.GetStream()
			defer stream.Close()
			var payload []byte
			var complete *types.InvokeWithResponseStreamCompleteEvent
			for event := range stream.Events() {
				switch event := event.(type) {
				case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
					payload = append(payload, event.Value.Payload...)
				case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
					complete = &event.Value
				}
			}
			if err := stream.Err(); err != nil {
				t.Error(err)
			}
			if string(payload) != tt.payload {
				t.Errorf("%d bytes, want %d", len(payload), len(tt.payload))
			}
			if complete == nil || aws.ToString(complete.ErrorCode) != aws.ToString(tt.complete.ErrorCode) ||
				aws.ToString(complete.ErrorDetails) != aws.ToString(tt.complete.ErrorDetails) {
				t.Errorf("InvokeComplete %+v, want %+v", complete, tt.complete)
			}
			if b, ok := tt.response.Body.(*body); ok {
				<-b.closed
			}
			if got := fake.invoked[0]; !got.Stream || got.Tenant != "alice" {
				t.Errorf("invoked with %+v", got)
			}
		})
	}
}

func TestResponseStreamIsNotAsynchronous(t *testing.T) {
	_, err := client(t, &fakeInvoker{}).InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{
		FunctionName: aws.String("plain"), InvocationType: "Event"})
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || refusal.ErrorCode() != "ValidationException" {
		t.Errorf("error %v, want ValidationException", err)
	}
}
