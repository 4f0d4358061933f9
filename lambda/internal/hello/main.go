// Command hello is the smallest function. What it links and how large it is are
// held by a test of package lambda.
package main

import (
	"context"

	"github.com/berthdev/berth/lambda"
)

type event struct{ Name string }

func main() {
	lambda.Start(lambda.Func(func(_ context.Context, e event) (string, error) {
		return "hello " + e.Name, nil
	}))
}
