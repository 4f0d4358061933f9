package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/examples/multitenant/tenantdata"
	"github.com/berthdev/berth/lambda"
)

func clock() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// call invokes the handler as Lambda does for a tenant.
func call(t *testing.T, c *counter, tenantID string, request events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	t.Helper()
	ctx := lambda.NewContext(t.Context(), &lambda.Invocation{RequestID: "r-1", TenantID: tenantID})
	response, err := c.handle(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestHandleCountsRequests(t *testing.T) {
	c := newCounter(clock)
	for want := 1; want <= 3; want++ {
		response := call(t, c, "alice", events.APIGatewayProxyRequest{})
		var got tenantdata.TenantData
		if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK || got.TenantID != "alice" || got.RequestCount != want {
			t.Errorf("answer %d is %d %s", want, response.StatusCode, response.Body)
		}
		if got := response.Headers["Content-Type"]; got != "application/json" {
			t.Errorf("content type %q", got)
		}
	}
}

func TestHandleRefusesARequestWithoutTenant(t *testing.T) {
	response := call(t, newCounter(clock), "", events.APIGatewayProxyRequest{})
	if response.StatusCode != http.StatusBadRequest || response.Body != `{"message":"No Tenant ID provided"}` {
		t.Errorf("got %d %s", response.StatusCode, response.Body)
	}
}

func TestHandleBelievesLambdaAndNotTheClient(t *testing.T) {
	c := newCounter(clock)
	response := call(t, c, "bob", events.APIGatewayProxyRequest{
		QueryStringParameters: map[string]string{"tenant-id": "alice"},
		Headers:               map[string]string{"X-Amz-Tenant-Id": "alice"},
	})
	var got tenantdata.TenantData
	if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
		t.Fatal(err)
	}
	if got.TenantID != "bob" {
		t.Errorf("the data is %s's, want bob's", got.TenantID)
	}
}

func TestEveryEnvironmentHasItsOwnName(t *testing.T) {
	a, b := newCounter(clock), newCounter(clock)
	first := call(t, a, "alice", events.APIGatewayProxyRequest{}).Headers["X-Environment"]
	if again := call(t, a, "alice", events.APIGatewayProxyRequest{}).Headers["X-Environment"]; first == "" || again != first {
		t.Errorf("one environment is called %q and %q", first, again)
	}
	if other := call(t, b, "alice", events.APIGatewayProxyRequest{}).Headers["X-Environment"]; other == first {
		t.Errorf("two environments are called %q", first)
	}
}
