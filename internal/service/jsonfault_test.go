package service

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestJSONFault(t *testing.T) {
	const value = " (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
	tests := []struct {
		name, payload string
		want          string // "" means that it is JSON
		at            string
	}{
		{"nothing", "", "", ""},
		{"an object", `{"a":[1,"é",null]}`, "", ""},
		{"a bare value", "null", "", ""},

		// The first three are answers of AWS that were recorded: what the AWS CLI
		// sends when it takes a payload of JSON for base64.
		{"bytes that begin no value", "\x99\xeb,j\x07\xa1zYh", "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value" + value, "line: 1, column: 1"},
		{"bytes in a word", "n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", "Invalid UTF-8 start byte 0x87", "line: 1, column: 3"},
		{"a Latin-1 character", "\xb2", "Unexpected character ('²' (code 178)): expected a valid value" + value, "line: 1, column: 1"},

		{"a word", "hello", "Unrecognized token 'hello': was expecting" + value, "line: 1, column: 6"},
		{"a word that begins like one", "trust", "Unrecognized token 'trust': was expecting" + value, "line: 1, column: 6"},
		{"single quotes", "{'a':1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", "line: 1, column: 2"},
		{"no colon", `{"a" 1}`, "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value", "line: 1, column: 6"},
		{"no comma in an object", `{"a":1 "b":2}`, `Unexpected character ('"' (code 34)): was expecting comma to separate Object entries`, "line: 1, column: 8"},
		{"no comma in an array", "[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", "line: 1, column: 4"},
		{"a comma too many", "[1,]", "Unexpected character (']' (code 93)): expected a valid value" + value, "line: 1, column: 4"},
		{"the second line", "{\n  \"a\": x\n}", "Unrecognized token 'x': was expecting" + value, "line: 2, column: 9"},
		{"a line break in a string", "\"a\nb\"", "Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be included in string value", "line: 1, column: 3"},
		{"cut short", `{"a":`, "Unexpected end-of-input", "line: 1, column: 6"},
		{"a start byte in a string", "\"\x87\"", "Invalid UTF-8 start byte 0x87", "line: 1, column: 3"},
		{"a middle byte in a string", "\"\xe9-\"", "Invalid UTF-8 middle byte 0x2d", "line: 1, column: 4"},
		{"a second value", "{} {}", "Unexpected character ('{' (code 123)): expected a valid value" + value, "line: 1, column: 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, at, _ := strings.Cut(jsonFault([]byte(tt.payload)), "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); ")
			if got != tt.want || strings.TrimSuffix(at, "]") != tt.at {
				t.Errorf("%q at %q, want %q at %q", got, at, tt.want, tt.at)
			}
		})
	}
}

// FuzzJSONFault holds that exactly what is JSON in UTF-8 passes, and that every
// fault can be sent as JSON.
func FuzzJSONFault(f *testing.F) {
	for _, s := range []string{"", "{}", "[1,2", `"\ud800"`, "tru", "\"\xc3\"", "\xef\xbb\xbf{}", "-", "1e", "{\"a\":\x80}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		fault := jsonFault(payload)
		if ok := len(payload) == 0 || json.Valid(payload) && utf8.Valid(payload); ok != (fault == "") {
			t.Fatalf("%q: %q", payload, fault)
		}
		if !json.Valid([]byte(quote(fault))) {
			t.Fatalf("%q can't be sent", fault)
		}
	})
}
