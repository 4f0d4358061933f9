package main

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda"
)

func TestGreet(t *testing.T) {
	for _, tt := range []struct {
		name      string
		in        Request
		want      Response
		errorType string
	}{
		{"in the language that was asked for", Request{"Ada", "fr"}, Response{"Bonjour, Ada", 3}, ""},
		{"in English when none was", Request{"Ada", ""}, Response{"Hello, Ada", 3}, ""},
		{"letters, not bytes", Request{"Zoë", "de"}, Response{"Hallo, Zoë", 3}, ""},
		{"no such language", Request{"Ada", "xx"}, Response{}, "UnknownLanguage"},
		{"no name", Request{"  ", "fr"}, Response{}, "NameMissing"},
	} {
		got, err := greet(t.Context(), tt.in)
		var typed *lambda.Error
		if errors.As(err, &typed) != (tt.errorType != "") || typed != nil && typed.Type != tt.errorType {
			t.Errorf("%s: error %v, want type %q", tt.name, err, tt.errorType)
		}
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	for _, tt := range []struct {
		name, event, errorType, part string
	}{
		{"typed in, typed out", read(t, "events/french.json"), "", `{"greeting":"Bonjour, Ada","letters":3}`},
		{"an error of the function's own type", read(t, "events/unknown-language.json"), "UnknownLanguage", `no greeting in "xx"`},
		{"an event of the wrong shape names the field", `{"name":7}`, "DecodeError", "name"},
	} {
		a := b.Invoke("HelloJSON", "", tt.event)
		var failure struct{ ErrorType, ErrorMessage string }
		if tt.errorType == "" {
			if a.FunctionError != "" || a.Payload != tt.part {
				t.Errorf("%s: %+v", tt.name, a)
			}
			continue
		}
		if err := json.Unmarshal([]byte(a.Payload), &failure); err != nil || a.FunctionError != "Unhandled" ||
			failure.ErrorType != tt.errorType || !strings.Contains(failure.ErrorMessage, tt.part) {
			t.Errorf("%s: %+v, want a %s about %s", tt.name, a, tt.errorType, tt.part)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
