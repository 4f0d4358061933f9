// Command apigateway-v2-authorizer is the function that an authorizer guards: it
// greets whom the authorizer has recognised, and never looks at the token.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(greet))
}

// Greeting is the answer: an HTTP API makes a response of it.
type Greeting struct {
	Greeting string `json:"greeting"`
}

func greet(_ context.Context, in events.APIGatewayV2HTTPRequest) (Greeting, error) {
	authorizer := in.RequestContext.Authorizer
	if authorizer == nil {
		return Greeting{}, &lambda.Error{Type: "NoAuthorizer", Message: "the route has no authorizer"}
	}
	name, ok := authorizer.Lambda["name"].(string)
	if !ok {
		return Greeting{}, &lambda.Error{Type: "NoName", Message: "the authorizer gave no name"}
	}
	return Greeting{Greeting: "Welcome aboard, " + name}, nil
}
