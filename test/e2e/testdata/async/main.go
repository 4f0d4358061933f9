// Command async is a function that counts, fails, or reports what failed, as its
// event says.
package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/berthdev/berth/lambda"
)

// event is an event of a test's, or a batch of messages.
type event struct {
	Fail    string `json:"fail"` // the error to answer with
	Records []struct {
		MessageID string `json:"messageId"`
		Body      string `json:"body"`
		Received  struct {
			Count string `json:"ApproximateReceiveCount"`
		} `json:"attributes"`
	} `json:"Records"`
}

// answer tells which tenant was served and how often by this environment, and is
// a report on a batch, too.
type answer struct {
	Tenant   string    `json:"tenant"`
	Count    int64     `json:"count"`
	Failures []failure `json:"batchItemFailures"`
}

type failure struct {
	ID string `json:"itemIdentifier"`
}

func main() {
	var count atomic.Int64
	lambda.Start(lambda.Func(func(ctx context.Context, e event) (answer, error) {
		if e.Fail != "" {
			return answer{}, errors.New(e.Fail)
		}
		a := answer{Tenant: lambda.TenantID(ctx), Count: count.Add(1)}
		for _, r := range e.Records {
			if r.Body == "again" && r.Received.Count == "1" {
				a.Failures = append(a.Failures, failure{r.MessageID})
			}
		}
		return a, nil
	}))
}
