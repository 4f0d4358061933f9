package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/berthdev/berth/lambda"
)

type Order struct {
	ID    int      `json:"id"`
	Items []string `json:"items"`
}

type Receipt struct {
	Order int `json:"order"`
	Total int `json:"total"`
}

func ExampleFunc() {
	h := lambda.Func(func(ctx context.Context, o Order) (Receipt, error) {
		if len(o.Items) == 0 {
			return Receipt{}, &lambda.Error{Type: "EmptyOrder", Message: "the order has no items"}
		}
		return Receipt{Order: o.ID, Total: len(o.Items)}, nil
	})

	invoke(h, `{"id":7,"items":["rope","anchor"]}`, `{"id":8}`, `{"id":"nine"}`)
	// In main it is: lambda.Start(h)

	// Output:
	// response {"order":7,"total":2}
	// error {"errorMessage":"the order has no items","errorType":"EmptyOrder"}
	// error {"errorMessage":"decode event into lambda_test.Order: field \"id\": JSON string is no Go int","errorType":"DecodeError"}
}

func ExampleBytes() {
	h := lambda.Bytes(func(ctx context.Context, event []byte) ([]byte, error) {
		return event, nil
	})

	invoke(h, `{"any":"JSON"}`)
	// Output:
	// response {"any":"JSON"}
}

func ExampleStream() {
	h := lambda.Stream(func(ctx context.Context, o Order, w *lambda.ResponseWriter) error {
		for _, item := range o.Items {
			if _, err := fmt.Fprintln(w, item); err != nil {
				return err // nobody reads any more
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
		return nil
	})

	invoke(h, `{"items":["rope","anchor"]}`)
	// Output:
	// response rope
	// anchor
}

// A function URL or a REST API takes the status, the headers and the cookies
// from the head.
func ExampleResponseWriter_WriteHead() {
	h := lambda.Stream(func(ctx context.Context, event []byte, w *lambda.ResponseWriter) error {
		err := w.WriteHead(lambda.ResponseHead{
			StatusCode: 200,
			Headers:    map[string]string{"Content-Type": "text/event-stream"},
			Cookies:    []string{"session=7; HttpOnly"},
		})
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, "data: hello\n\n")
		return err
	})
	lambda.Start(h)
}

func ExampleBackground() {
	h := lambda.Background(func(ctx context.Context, o Order, respond func(Receipt) error) error {
		if err := respond(Receipt{Order: o.ID}); err != nil {
			return err
		}
		fmt.Println("the caller has its answer; the order is booked now")
		return nil
	})

	invoke(h, `{"id":7}`)
	// Output:
	// response {"order":7,"total":0}
	// the caller has its answer; the order is booked now
}

func ExampleFromContext() {
	h := lambda.Func(func(ctx context.Context, _ any) (string, error) {
		inv, _ := lambda.FromContext(ctx)
		return fmt.Sprintf("%s serves %s", inv.Function.Name, inv.TenantID), nil
	})

	invoke(h, `{}`)
	// Output:
	// response "counter serves alice"
}

// A function that keeps data of a tenant in memory says so.
func ExampleRequireTenant() {
	var count int // this tenant's, for the environment serves no other
	lambda.Start(lambda.Func(func(ctx context.Context, _ any) (int, error) {
		count++
		return count, nil
	}), lambda.RequireTenant())
}

// A pool of database connections, as a service.
type database struct{ dsn string }

func (d *database) Open(ctx context.Context) error {
	if d.dsn == "" {
		return errors.New("DATABASE_URL is not set")
	}
	return nil // pgxpool.New(ctx, d.dsn)
}

func (d *database) Close(ctx context.Context) error { return nil }

func ExampleServices() {
	db := &database{dsn: os.Getenv("DATABASE_URL")}
	handle := func(ctx context.Context, o Order) (Receipt, error) { return Receipt{Order: o.ID}, nil }
	lambda.Start(lambda.Func(handle), lambda.Services(db), lambda.WithDeadlineMargin(100*time.Millisecond))
}

func ExampleNewLogHandler() {
	l := slog.New(lambda.NewLogHandler(os.Stdout, lambda.LogOptions{JSON: true}))
	ctx := lambda.NewContext(context.Background(), &lambda.Invocation{RequestID: "8476a536", TenantID: "alice"})
	l.InfoContext(ctx, "order", "id", 7)
	// {"timestamp":"2026-11-23T08:29:35.123Z","level":"INFO","message":"order","id":7,"requestId":"8476a536","tenantId":"alice"}
}
