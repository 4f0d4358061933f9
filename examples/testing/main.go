// Command testing is a function to be tested: it reckons what a ship pays for its
// berth. Its tests show four ways, from the fastest to the truest.
package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/berthdev/berth/lambda"
)

func main() {
	var h harbour
	lambda.Start(lambda.Func(h.charge), lambda.RequireTenant())
}

// Stay is a ship's stay in the harbour.
type Stay struct {
	Ship   string  `json:"ship"`
	Metres float64 `json:"metres"`
	Nights int     `json:"nights"`
}

// Bill is what the ship owes, in cents.
type Bill struct {
	Ship   string `json:"ship"`
	Cents  int64  `json:"cents"`
	Number int64  `json:"number"` // from 1, for each tenant
}

// harbour lives as long as its execution environment, which is one tenant's.
type harbour struct{ bills atomic.Int64 }

// The prices of a night.
const (
	centsPerMetre = 250
	longFrom      = 24 // metres from which a ship takes two berths
)

// fee is the part that decides: no context, no clock, no state.
func fee(s Stay) (cents int64, err error) {
	if s.Metres <= 0 || s.Nights <= 0 {
		return 0, &lambda.Error{Type: "NoStay", Message: "a stay has metres and nights"}
	}
	perNight := int64(s.Metres*centsPerMetre + 0.5)
	if s.Metres >= longFrom {
		perNight *= 2
	}
	return perNight * int64(s.Nights), nil
}

func (h *harbour) charge(ctx context.Context, s Stay) (Bill, error) {
	cents, err := fee(s)
	if err != nil {
		return Bill{}, err
	}
	bill := Bill{Ship: s.Ship, Cents: cents, Number: h.bills.Add(1)}
	slog.InfoContext(ctx, "bill written", slog.Int64("number", bill.Number))
	return bill, nil
}
