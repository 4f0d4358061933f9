// Command streaming-url counts down to a launch through a function URL: each
// number reaches the client when it is due, and not with the last one.
package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Stream(countdown))
}

// The bounds of what a client may ask for.
const (
	defaultFrom = 5
	maxFrom     = 60
	defaultTick = time.Second
)

// countdown writes a number at each tick. Status, headers and cookies go first:
// once the first byte has left, they can't be changed.
func countdown(ctx context.Context, in events.LambdaFunctionURLRequest, w *lambda.ResponseWriter) error {
	from, tick, err := parameters(in.QueryStringParameters)
	if err != nil {
		return refuse(w, err)
	}
	err = w.WriteHead(lambda.ResponseHead{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"},
		Cookies:    []string{"seen=countdown; HttpOnly"},
	})
	if err != nil {
		return err
	}
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for n := from; n > 0; n-- {
		fmt.Fprintf(w, "%d\n", n) // Flush returns the error
		if err := w.Flush(); err != nil {
			return err // the client has left: nobody counts any more
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	_, err = fmt.Fprintln(w, "cast off")
	return err
}

func parameters(query map[string]string) (from int, tick time.Duration, err error) {
	from, tick = defaultFrom, defaultTick
	if text, ok := query["from"]; ok {
		if from, err = strconv.Atoi(text); err != nil || from < 1 || from > maxFrom {
			return 0, 0, fmt.Errorf("from is a number from 1 to %d, not %q", maxFrom, text)
		}
	}
	if text, ok := query["tick"]; ok {
		if tick, err = time.ParseDuration(text); err != nil || tick <= 0 || tick > defaultTick {
			return 0, 0, fmt.Errorf("tick is a duration up to %v, such as 200ms, not %q", defaultTick, text)
		}
	}
	return from, tick, nil
}

// refuse answers what the client got wrong. A Go error would be a 502.
func refuse(w *lambda.ResponseWriter, problem error) error {
	if err := w.WriteHead(lambda.ResponseHead{
		StatusCode: http.StatusBadRequest,
		Headers:    map[string]string{"Content-Type": "text/plain; charset=utf-8"},
	}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, problem)
	return err
}
