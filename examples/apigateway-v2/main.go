// Command apigateway-v2 counts a browser's visits behind an HTTP API of API
// Gateway: routes, cookies in and out, and an answer that is only a value.
package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(handle))
}

// Greeting is an answer as it stands: an HTTP API makes a response with status 200
// and JSON of whatever has no statusCode.
type Greeting struct {
	Greeting string `json:"greeting"`
	Query    string `json:"query,omitempty"`
}

// handle chooses by the route that API Gateway has chosen.
func handle(_ context.Context, in events.APIGatewayV2HTTPRequest) (any, error) {
	switch in.RouteKey {
	case "GET /hello/{name}":
		return Greeting{Greeting: "Hello, " + in.PathParameters["name"], Query: in.RawQueryString}, nil
	case "GET /visits":
		return visit(in.Cookies), nil
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusNotFound,
		Headers:    map[string]string{"content-type": "text/plain"},
		Body:       fmt.Sprintf("there is no %s %s\n", in.RequestContext.HTTP.Method, in.RawPath),
	}, nil
}

// visit counts in a cookie: the function itself remembers nothing.
func visit(cookies []string) events.APIGatewayV2HTTPResponse {
	visits := 1
	for _, text := range cookies {
		cookie, err := http.ParseCookie(text)
		if err != nil || cookie[0].Name != "visits" {
			continue
		}
		if n, err := strconv.Atoi(cookie[0].Value); err == nil && n > 0 {
			visits = n + 1
		}
	}
	count := http.Cookie{Name: "visits", Value: strconv.Itoa(visits), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"content-type": "text/plain"},
		Cookies:    []string{count.String()},
		Body:       fmt.Sprintf("visit %d\n", visits),
	}
}
