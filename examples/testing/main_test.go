package main

import (
	"testing"

	"github.com/berthdev/berth/lambda"
)

// The first way: the function alone, without Lambda and without a process. It
// takes microseconds, so this is where the cases belong.

func TestFee(t *testing.T) {
	for _, tt := range []struct {
		name   string
		metres float64
		nights int
		cents  int64 // 0 when it is refused
	}{
		{"a dinghy", 4, 1, 1000},
		{"a fraction of a metre", 4.5, 1, 1125},
		{"several nights", 10, 3, 7500},
		{"just below two berths", 23.9, 1, 5975},
		{"two berths", 24, 1, 12000},
		{"no length", 0, 1, 0},
		{"no night", 10, 0, 0},
		{"less than nothing", -10, -1, 0},
	} {
		cents, err := fee(Stay{Metres: tt.metres, Nights: tt.nights})
		if cents != tt.cents || (err == nil) != (tt.cents > 0) {
			t.Errorf("%s: %d cents, %v; want %d", tt.name, cents, err, tt.cents)
		}
	}
}

// lambda.NewContext is for handlers that ask who calls.
func TestChargeCounts(t *testing.T) {
	var h harbour
	ctx := lambda.NewContext(t.Context(), &lambda.Invocation{RequestID: "r-1", TenantID: "alice"})
	for want := int64(1); want <= 3; want++ {
		if bill, err := h.charge(ctx, Stay{"Ada", 10, 1}); err != nil || bill.Number != want {
			t.Errorf("%+v, %v; want number %d", bill, err, want)
		}
	}
}
