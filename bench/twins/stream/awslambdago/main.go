package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/berthdev/berth/bench/twins/stream"
)

func main() {
	lambda.Start(func(_ context.Context, e stream.Event) (*events.LambdaFunctionURLStreamingResponse, error) {
		return &events.LambdaFunctionURLStreamingResponse{
			StatusCode: 200,
			Headers:    map[string]string{"Content-Type": stream.ContentType},
			Body:       stream.Body(e),
		}, nil
	})
}
