// Command direct is the function of the folder above without API Gateway: it is
// invoked with a tenant ID, takes JSON and answers with JSON.
package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/berthdev/berth/examples/multitenant/tenantdata"
	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(new(counter).handle))
}

// Event is what the caller sends. All of it is optional.
type Event struct {
	Note string `json:"note"` // written to the log, where it stands beside the tenant ID
}

// noTenant is what a caller sees as errorType and errorMessage.
var noTenant = &lambda.Error{Type: "NoTenant", Message: "No Tenant ID provided"}

// counter lives as long as its execution environment.
type counter struct{ store tenantdata.Store }

func (c *counter) handle(ctx context.Context, event Event) (tenantdata.TenantData, error) {
	tenantID := lambda.TenantID(ctx)
	if tenantID == "" {
		return tenantdata.TenantData{}, noTenant
	}
	data := c.store.Add(tenantID, time.Now())
	slog.InfoContext(ctx, "request counted", slog.Int("requestCount", data.RequestCount), slog.String("note", event.Note))
	return data, nil
}
