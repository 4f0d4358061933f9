package gateway

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What becomes of a function's answer.
// Source: Amazon API Gateway developer guide, set-up-lambda-proxy-integrations, and
// recorded answers (test_aws_proxy_response_payload_format_validation and
// test_lambda_aws_proxy_response_format in LocalStack's snapshots).
func TestAnswers(t *testing.T) {
	const malformed = `502 {"message": "Internal server error"}`
	tests := []struct {
		name    string
		payload string
		accept  string
		want    string   // status and body
		header  []string // lines that must be there
	}{
		{name: "nothing", payload: `{}`, want: "200 ", header: []string{"Content-Type: application/json"}},
		{name: "only headers", payload: `{"headers":{"X-A":"b"}}`, want: "200 ", header: []string{"X-A: b"}},
		{name: "all of it", payload: `{"statusCode":201,"headers":{"Content-Type":"text/plain"},"body":"hi","isBase64Encoded":false}`,
			want: "201 hi", header: []string{"Content-Type: text/plain"}},
		{name: "a status as text", payload: `{"statusCode":"201"}`, want: "201 "},
		{name: "a status that is null", payload: `{"statusCode":null}`, want: "200 "},
		{name: "headers that are null", payload: `{"headers":null,"multiValueHeaders":null,"body":null}`, want: "200 "},
		{name: "header values of other kinds", payload: `{"headers":{"a":true,"b":1.50,"c":null}}`, want: "200 ", header: []string{"a: true", "b: 1.50"}},
		{name: "several values", payload: `{"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]}}`, want: "200 ", header: []string{"Set-Cookie: a=1", "Set-Cookie: b=2"}},
		{name: "a name in both maps", payload: `{"headers":{"x-both":"single","X-BOTH":"multi"},"multiValueHeaders":{"X-Both":["multi"]}}`,
			want: "200 ", header: []string{"X-Both: multi", "X-Both: single"}},
		{name: "a content type in lower case", payload: `{"headers":{"content-type":"text/html"}}`, want: "200 ", header: []string{"Content-Type: text/html"}},
		{name: "characters of HTML", payload: `{"body":"<a&b>"}`, want: "200 <a&b>"},
		{name: "base64 for a client that takes it", payload: `{"isBase64Encoded":true,"body":"aGk="}`, accept: "image/png,*/*", want: "200 hi"},
		{name: "base64 for a client that doesn't", payload: `{"isBase64Encoded":true,"body":"aGk="}`, accept: "text/html", want: "200 aGk="},
		{name: "base64 for a client that takes it second", payload: `{"isBase64Encoded":true,"body":"aGk="}`, accept: "text/html,image/png", want: "200 aGk="},
		{name: "base64 without Accept", payload: `{"isBase64Encoded":true,"body":"aGk="}`, want: "200 aGk="},
		{name: "base64 that is none", payload: `{"isBase64Encoded":true,"body":"hi!"}`, accept: "image/png", want: malformed},
		{name: "headers of the gateway's own", payload: `{"headers":{"date":"never","Server":"me","connection":"close","x-amzn-requestid":"mine"}}`, want: "200 ",
			header: []string{"x-amzn-Remapped-Date: never", "x-amzn-Remapped-Server: me", "x-amzn-Remapped-Connection: close",
				"x-amzn-Remapped-x-amzn-RequestId: mine", "x-amzn-RequestId: c6af9ac6-7b61-11e6-9a41-93e8deadbeef"}},
		{name: "headers of the connection", payload: `{"headers":{"Transfer-Encoding":"chunked","Upgrade":"h2c"},"body":"hi"}`, want: "200 hi"},
		{name: "no content, with content", payload: `{"statusCode":204,"body":"hi"}`, want: "204 hi"},

		{name: "an unknown key", payload: `{"statusCode":200,"cookies":[]}`, want: malformed},
		{name: "a key in another case", payload: `{"StatusCode":200}`, want: malformed},
		{name: "a string", payload: `"hello"`, want: malformed},
		{name: "a list", payload: `[{"statusCode":200}]`, want: malformed},
		{name: "a number", payload: `200`, want: malformed},
		{name: "null", payload: `null`, want: malformed},
		{name: "an error's payload", payload: `{"errorMessage":"no","errorType":"E"}`, want: malformed},
		{name: "a status in words", payload: `{"statusCode":"test"}`, want: malformed},
		{name: "a status with a fraction", payload: `{"statusCode":200.5}`, want: malformed},
		{name: "a status that is no end", payload: `{"statusCode":101}`, want: malformed},
		{name: "a status out of range", payload: `{"statusCode":999999}`, want: malformed},
		{name: "a status that is an object", payload: `{"statusCode":{}}`, want: malformed},
		{name: "a body that is an object", payload: `{"body":{"a":1}}`, want: malformed},
		{name: "headers that are a list", payload: `{"headers":["a"]}`, want: malformed},
		{name: "a header that is an object", payload: `{"headers":{"a":{}}}`, want: malformed},
		{name: "multiValueHeaders without lists", payload: `{"multiValueHeaders":{"a":"b"}}`, want: malformed},
		{name: "multiValueHeaders with lists of lists", payload: `{"multiValueHeaders":{"a":[["b"]]}}`, want: malformed},
		{name: "isBase64Encoded as text", payload: `{"isBase64Encoded":"true"}`, want: malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var header []string
			if tt.accept != "" {
				header = []string{"Accept: " + tt.accept}
			}
			w := send(t, newTestREST(plainREST(), &fakeInvoker{payload: tt.payload}), "GET", "/test", "", header...)
			if got := fmt.Sprintf("%d %s", w.Code, w.Body); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			for _, line := range tt.header {
				name, value, _ := strings.Cut(line, ": ")
				if !slices.Contains(raw(w, name), value) {
					t.Errorf("no %q in %v", line, w.Header())
				}
			}
			for _, never := range []string{"Transfer-Encoding", "Upgrade", "date", "connection", "Server"} {
				if raw(w, never) != nil {
					t.Errorf("the function set %s", never)
				}
			}
		})
	}
}

// A header with a line break can't become two headers on the wire.
func TestAnswerSplitting(t *testing.T) {
	server := httptest.NewServer(newTestREST(plainREST(), &fakeInvoker{payload: `{"headers":{"X-A":"b\r\nX-Evil: 1","X-Evil\r\nX-Evil":"2","":"3"}}`}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL + "/test")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header["X-Evil"] != nil || resp.Header.Get("X-A") != "b  X-Evil: 1" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// FuzzParseAnswer holds that an answer that is taken is one: an object of known
// keys, with a status that ends a response.
func FuzzParseAnswer(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `{"statusCode":"2e2"}`, `{"headers":{"a":1},"multiValueHeaders":{"A":["1","2"]}}`, `{"body":"\ud800"}`, ` {"statusCode":200,"statusCode":"x"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := parseAnswer(payload)
		if err != nil {
			return
		}
		var keys map[string]any
		if json.Unmarshal(payload, &keys) != nil || keys == nil {
			t.Fatalf("%q was taken", payload)
		}
		for key := range keys {
			if !slices.Contains([]string{"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}, key) {
				t.Fatalf("%q was taken, with %s", payload, key)
			}
		}
		for i, f := range a.header {
			if slices.ContainsFunc(a.header[:i], func(other field) bool { return strings.EqualFold(f.name, other.name) }) {
				t.Fatalf("%s stands twice in %v", f.name, a.header)
			}
		}
		w := httptest.NewRecorder()
		a.write(w, remapped)
		if w.Code < 200 || w.Code > 599 {
			t.Fatalf("status %d", w.Code)
		}
	})
}
