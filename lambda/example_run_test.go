package lambda_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"

	"github.com/berthdev/berth/lambda"
)

// invoke runs a handler on a Runtime API that has these events, and prints the
// answers. Tests of your own have package lambdatest for it.
func invoke(h lambda.Handler, events ...string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch path.Base(r.URL.Path) {
		case "next":
			if len(events) == 0 {
				cancel()
				<-r.Context().Done()
				return
			}
			w.Header().Set(lambda.HeaderRequestID, "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set(lambda.HeaderTenantID, "alice")
			io.WriteString(w, events[0])
			events = events[1:]
		default:
			fmt.Printf("%s %s\n", path.Base(r.URL.Path), bytes.TrimSpace(body))
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	defer api.Close()
	os.Setenv("AWS_LAMBDA_RUNTIME_API", strings.TrimPrefix(api.URL, "http://"))
	os.Setenv("AWS_LAMBDA_FUNCTION_NAME", "counter")
	defer os.Unsetenv("AWS_LAMBDA_RUNTIME_API")
	if err := lambda.Run(ctx, h, lambda.WithLogger(slog.New(slog.DiscardHandler))); err != nil {
		fmt.Println(err)
	}
}
