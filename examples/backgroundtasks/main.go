// Command backgroundtasks answers first and works afterwards: the caller has a
// receipt at once, and the report is written while nobody waits.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Background(handle))
}

// Order asks for a report.
type Order struct {
	Report  string  `json:"report"`
	Seconds float64 `json:"seconds"` // how long the work takes
}

// Receipt says that the report will be written.
type Receipt struct {
	Accepted  string `json:"accepted"`
	RequestID string `json:"requestId"` // to find the work in the log
}

// handle responds and goes on. Lambda waits for it to return, and bills it, so the
// function's timeout has to leave room for the work.
func handle(ctx context.Context, order Order, respond func(Receipt) error) error {
	if order.Report == "" {
		return &lambda.Error{Type: "ReportMissing", Message: "report is empty"}
	}
	inv, _ := lambda.FromContext(ctx)
	if err := respond(Receipt{Accepted: order.Report, RequestID: inv.RequestID}); err != nil {
		return fmt.Errorf("send the receipt: %w", err)
	}
	slog.InfoContext(ctx, "receipt sent", slog.String("report", order.Report))
	if err := work(ctx, time.Duration(order.Seconds*float64(time.Second))); err != nil {
		return fmt.Errorf("write report %s: %w", order.Report, err)
	}
	slog.InfoContext(ctx, "report written", slog.String("report", order.Report))
	return nil
}

// work stands for what takes its time: here it only waits.
func work(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
