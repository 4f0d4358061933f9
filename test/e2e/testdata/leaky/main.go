// Command leaky is a function that remembers its last caller for the next one.
package main

import (
	"context"

	"github.com/berthdev/berth/lambda"
)

func main() { lambda.Start(lambda.Func(newHandler())) }

func newHandler() func(context.Context, map[string]any) (map[string]string, error) {
	last := ""
	return func(ctx context.Context, _ map[string]any) (map[string]string, error) {
		before := last
		last = lambda.TenantID(ctx)
		return map[string]string{"you": last, "before": before}, nil
	}
}
