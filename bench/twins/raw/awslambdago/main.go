package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/berthdev/berth/bench/twins/raw"
)

// handler is the form that aws-lambda-go passes bytes through unchanged.
type handler func(context.Context, []byte) ([]byte, error)

func (h handler) Invoke(ctx context.Context, event []byte) ([]byte, error) { return h(ctx, event) }

func main() { lambda.Start(handler(raw.Handle)) }
