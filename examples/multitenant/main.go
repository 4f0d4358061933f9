// Command multitenant is a function behind API Gateway that counts the requests
// of each tenant in memory. With tenant isolation every tenant has execution
// environments of its own, so that no count is ever another tenant's.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/examples/multitenant/tenantdata"
	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(newCounter(time.Now).handle))
}

// counter lives as long as its execution environment.
type counter struct {
	store       tenantdata.Store
	environment string // made anew in each, to tell environments apart
	now         func() time.Time
}

func newCounter(now func() time.Time) *counter {
	return &counter{environment: rand.Text()[:8], now: now}
}

// handle answers with the data of the tenant that Lambda names. It never looks
// at the request for the tenant: a client may write there what it likes.
func (c *counter) handle(ctx context.Context, _ events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	tenantID := lambda.TenantID(ctx)
	if tenantID == "" {
		return c.answer(http.StatusBadRequest, map[string]string{"message": "No Tenant ID provided"})
	}
	data := c.store.Add(tenantID, c.now())
	slog.InfoContext(ctx, "request counted", slog.Int("requestCount", data.RequestCount))
	return c.answer(http.StatusOK, data)
}

func (c *counter) answer(status int, body any) (events.APIGatewayProxyResponse, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return events.APIGatewayProxyResponse{}, fmt.Errorf("write the answer: %w", err)
	}
	return events.APIGatewayProxyResponse{
		StatusCode: status,
		Headers:    map[string]string{"Content-Type": "application/json", "X-Environment": c.environment},
		Body:       string(text),
	}, nil
}
