// Command jsonlogging writes structured logs with levels, fields and the tenant,
// as Lambda's JSON log format wants them.
package main

import (
	"context"
	"log/slog"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(ship), lambda.RequireTenant())
}

// Parcel is the event.
type Parcel struct {
	ID     string  `json:"id"`
	Kilos  float64 `json:"kilos"`
	Secret string  `json:"secret"` // never logged
}

// Label is the answer.
type Label struct {
	ID    string `json:"id"`
	Class string `json:"class"` // "letter", "parcel" or "freight"
}

// ship logs by slog as any Go program does. Because it hands over ctx, every line
// carries requestId and tenantId by itself.
func ship(ctx context.Context, p Parcel) (Label, error) {
	slog.DebugContext(ctx, "parcel arrived", slog.Group("parcel", slog.String("id", p.ID), slog.Float64("kilos", p.Kilos)))
	class := "parcel"
	switch {
	case p.Kilos <= 0:
		slog.ErrorContext(ctx, "parcel refused", slog.String("reason", "no weight"))
		return Label{}, &lambda.Error{Type: "NoWeight", Message: "a parcel weighs something"}
	case p.Kilos < 0.5:
		class = "letter"
	case p.Kilos > 30:
		class = "freight"
		slog.WarnContext(ctx, "too heavy for one person", slog.Float64("kilos", p.Kilos))
	}
	slog.InfoContext(ctx, "label printed", slog.String("class", class))
	return Label{ID: p.ID, Class: class}, nil
}
