package main

import (
	"context"
	"io"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/berthdev/berth/bench/twins/records"
	"github.com/berthdev/berth/bench/twins/stream"
)

// A response is a reader there; who writes needs a pipe, as the library's own
// adapter for http.Handler does.
func main() {
	lambda.Start(func(_ context.Context, e stream.Event) (*events.LambdaFunctionURLStreamingResponse, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(records.Write(w, e)) }()
		return &events.LambdaFunctionURLStreamingResponse{
			StatusCode: 200,
			Headers:    map[string]string{"Content-Type": stream.ContentType},
			Body:       r,
		}, nil
	})
}
