// Command webframework is a web application on chi. In Lambda it serves the events
// of API Gateway; anywhere else the same binary is a plain HTTP server.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdahttp"
)

func main() {
	app := newApp()
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(lambdahttp.Handler(app))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	address := "127.0.0.1:8080"
	if a := os.Getenv("ADDRESS"); a != "" {
		address = a
	}
	if err := serve(ctx, address, app); err != nil {
		slog.Error("server ended", slog.Any("error", err))
		os.Exit(1)
	}
}

// farewell is how long requests that are under way may take after the end was
// asked for.
const farewell = 5 * time.Second

// serve answers on address until ctx ends.
func serve(ctx context.Context, address string, app http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	slog.Info("listening", slog.String("url", "http://"+listener.Addr().String()))
	server := &http.Server{Handler: app, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	err = server.Shutdown(patience)
	if s := <-served; !errors.Is(s, http.ErrServerClosed) {
		err = errors.Join(err, s)
	}
	return err
}
