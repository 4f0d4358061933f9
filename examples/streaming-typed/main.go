// Command streaming-typed takes a typed event and streams a table of it, row by
// row: larger than a buffered response may be, and never whole in memory.
package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Stream(table))
}

// Request is the event: it is decoded before the function is called.
type Request struct {
	Rows      int     `json:"rows"`
	Metres    float64 `json:"metres"`    // between high and low water
	FlushEach int     `json:"flushEach"` // rows to send at once; 0 leaves it to the buffer of 64 KiB
}

// maxRows keeps the stream below the 200 MB that Lambda lets pass.
const maxRows = 5_000_000

// minutes is from one high water to the next.
const minutes = 745

// table writes the water's height, minute by minute.
func table(ctx context.Context, in Request, w *lambda.ResponseWriter) error {
	if in.Rows < 1 || in.Rows > maxRows {
		return &lambda.Error{Type: "RowsOutOfRange", Message: fmt.Sprintf("rows is a number from 1 to %d", maxRows)}
	}
	rows := csv.NewWriter(w)
	if err := rows.Write([]string{"minute", "metres"}); err != nil {
		return err
	}
	for minute := range in.Rows {
		height := in.Metres / 2 * math.Cos(2*math.Pi*float64(minute)/minutes)
		if err := rows.Write([]string{strconv.Itoa(minute), strconv.FormatFloat(height, 'f', 3, 64)}); err != nil {
			return err
		}
		if in.FlushEach > 0 && (minute+1)%in.FlushEach == 0 {
			rows.Flush()
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	rows.Flush()
	return rows.Error()
}
