// Package typed is the function of the twins behind a REST API.
package typed

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/bench/twins/count"
)

// CountPath asks the function for [count.Heap].
const CountPath = "/heap"

// Handle answers as an API would.
func Handle(_ context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	body := `{"path":"` + r.Path + `","tenant":"` + r.QueryStringParameters["tenant-id"] + `"}`
	if r.Path == CountPath {
		body = count.Heap()
	}
	return events.APIGatewayProxyResponse{
		StatusCode: 200,
		Headers:    map[string]string{"Content-Type": "application/json", "X-Request-Id": r.RequestContext.RequestID},
		Body:       body,
	}, nil
}
