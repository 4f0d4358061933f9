// Command berth is the function of the conformance list on Berth's own library.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/berthdev/berth/lambda"
)

type event struct {
	Do    string          `json:"do"`
	Value json.RawMessage `json:"value"`
	Text  string          `json:"text"`
	Size  int             `json:"size"`
}

func main() { lambda.Start(lambda.Func(newHandler())) }

func newHandler() func(context.Context, event) (any, error) {
	count := 0
	return func(ctx context.Context, e event) (any, error) {
		count++
		switch e.Do {
		case "echo":
			return e.Value, nil
		case "context":
			inv, _ := lambda.FromContext(ctx)
			return map[string]any{
				"requestId": inv.RequestID, "arn": inv.InvokedFunctionARN, "tenantId": inv.TenantID,
				"remainingMs": time.Until(inv.Deadline).Milliseconds(),
			}, nil
		case "environment":
			return os.Getenv(e.Text), nil
		case "error":
			return nil, errors.New(e.Text)
		case "exit":
			os.Exit(1)
		case "hang":
			time.Sleep(time.Hour)
		case "print":
			for line := range strings.Lines(e.Text) {
				fmt.Print(line)
			}
			return nil, nil
		case "write":
			return nil, os.WriteFile("/tmp/kept", []byte(e.Text), 0o600)
		case "read":
			b, err := os.ReadFile("/tmp/kept")
			if errors.Is(err, fs.ErrNotExist) {
				return nil, nil
			}
			return string(b), err
		case "length":
			return len(e.Text), nil
		case "large":
			return strings.Repeat("x", e.Size), nil
		case "count":
			return count, nil
		}
		return nil, fmt.Errorf("%q is nothing that I can do", e.Do)
	}
}
