// Command helloworld is the smallest function: a name in, a greeting out.
package main

import (
	"context"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(hello))
}

func hello(_ context.Context, name string) (string, error) {
	return "Hello, " + name, nil
}
