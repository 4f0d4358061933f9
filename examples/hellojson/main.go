// Command hellojson takes a typed value and answers with another: JSON on the
// wire, Go types in the code.
package main

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/berthdev/berth/lambda"
)

func main() {
	lambda.Start(lambda.Func(greet))
}

// Request is the event.
type Request struct {
	Name     string `json:"name"`
	Language string `json:"language,omitempty"` // ISO 639-1; "" means en
}

// Response is what the function answers.
type Response struct {
	Greeting string `json:"greeting"`
	Letters  int    `json:"letters"` // of the name
}

// hello is the word in a language; ok is false if it isn't known.
func hello(language string) (word string, ok bool) {
	switch language {
	case "de":
		return "Hallo", true
	case "en", "":
		return "Hello", true
	case "fr":
		return "Bonjour", true
	case "ja":
		return "こんにちは", true
	}
	return "", false
}

// greet fails with types of its own, which callers see as errorType.
func greet(_ context.Context, in Request) (Response, error) {
	if strings.TrimSpace(in.Name) == "" {
		return Response{}, &lambda.Error{Type: "NameMissing", Message: "name is empty"}
	}
	word, ok := hello(in.Language)
	if !ok {
		return Response{}, &lambda.Error{Type: "UnknownLanguage", Message: fmt.Sprintf("no greeting in %q", in.Language)}
	}
	return Response{Greeting: word + ", " + in.Name, Letters: utf8.RuneCountInString(in.Name)}, nil
}
