package main

import (
	"context"

	"github.com/berthdev/berth/bench/twins/background"
	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Background(func(_ context.Context, event string, respond func(string) error) error {
		err := respond(background.Answer(event))
		background.Work()
		return err
	}))
}
