package main

import (
	"context"

	"github.com/berthdev/berth/bench/twins/records"
	"github.com/berthdev/berth/bench/twins/stream"
	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Stream(func(_ context.Context, e stream.Event, w *lambda.ResponseWriter) error {
		err := w.WriteHead(lambda.ResponseHead{StatusCode: 200, Headers: map[string]string{"Content-Type": stream.ContentType}})
		if err != nil {
			return err
		}
		return records.Write(w, e)
	}))
}
