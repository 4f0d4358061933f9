package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/berthdev/berth/bench/twins/background"
)

// There is no way to answer before the work is done.
func main() {
	lambda.Start(func(_ context.Context, event string) (string, error) {
		background.Work()
		return background.Answer(event), nil
	})
}
