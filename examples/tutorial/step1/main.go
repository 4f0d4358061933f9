// Command step1 is a function that makes a line of a ship's log.
package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(write))
}

// Entry is what somebody wants to write down.
type Entry struct {
	Author string `json:"author"`
	Text   string `json:"text"`
}

// Line is what stands in the log.
type Line struct {
	Line string `json:"line"`
}

func write(_ context.Context, e Entry) (Line, error) {
	text := strings.TrimSpace(e.Text)
	if text == "" {
		return Line{}, &lambda.Error{Type: "NothingToWrite", Message: "text is empty"}
	}
	return Line{fmt.Sprintf("%s: %s", e.Author, text)}, nil
}
