// Command postgres keeps a ledger for each tenant in one PostgreSQL table. The
// connection is opened at init and closed on shutdown; the database itself keeps
// the tenants apart, by row-level security.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/berthdev/berth/lambda"
)

func main() {
	url := cmp.Or(os.Getenv("DATABASE_URL"), "postgres://127.0.0.1/ledger")
	l := newLedger(url)
	lambda.Start(lambda.Func(l.handle), lambda.Services(l), lambda.RequireTenant())
}

// Request is the event.
type Request struct {
	Op   string `json:"op"` // "add" or "list"
	Text string `json:"text,omitempty"`
}

// Response has the tenant's entries, oldest first.
type Response struct {
	Entries []string `json:"entries"`
}

func (l *ledger) handle(ctx context.Context, in Request) (Response, error) {
	switch in.Op {
	case "add":
		if in.Text == "" {
			return Response{}, &lambda.Error{Type: "NothingToAdd", Message: "text is empty"}
		}
	case "list":
		in.Text = ""
	default:
		return Response{}, &lambda.Error{Type: "UnknownOp", Message: fmt.Sprintf("op is add or list, not %q", in.Op)}
	}
	entries, err := l.entries(ctx, lambda.TenantID(ctx), in.Text)
	return Response{Entries: entries}, err
}
