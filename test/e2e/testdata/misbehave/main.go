// Command misbehave is a function that does whatever its event says.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/berthdev/berth/lambda"
)

type event struct {
	Do   string `json:"do"`
	Size int    `json:"size"`
}

func main() {
	if code, err := strconv.Atoi(os.Getenv("FAIL_INIT")); err == nil {
		os.Exit(code)
	}
	lambda.Start(lambda.Func(handle))
}

func handle(ctx context.Context, e event) (string, error) {
	switch e.Do {
	case "answer":
		return strings.Repeat("x", e.Size), nil
	case "print":
		fmt.Println("a line")
		return "printed", nil
	case "environment":
		return strings.Join(os.Environ(), "\n"), nil
	case "error":
		return "", errors.New("no such order")
	case "panic":
		panic("a handler's panic")
	case "exit":
		os.Exit(e.Size)
	case "hang":
		time.Sleep(time.Hour)
	}
	return "", fmt.Errorf("%q is nothing that I can do", e.Do)
}
