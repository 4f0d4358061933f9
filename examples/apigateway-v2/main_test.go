package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

func TestVisit(t *testing.T) {
	for _, tt := range []struct {
		name    string
		cookies []string
		want    string
	}{
		{"the first visit", nil, "visits=1"},
		{"the third visit", []string{"visits=2"}, "visits=3"},
		{"among other cookies", []string{"theme=dark", "visits=9", "lang=en"}, "visits=10"},
		{"a cookie that somebody has changed", []string{"visits=many"}, "visits=1"},
		{"a number that somebody has changed", []string{"visits=-5"}, "visits=1"},
		{"no cookie at all", []string{"", "=", "\x00"}, "visits=1"},
	} {
		got := visit(tt.cookies)
		if cookie, _, _ := strings.Cut(got.Cookies[0], ";"); cookie != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got.Cookies, tt.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	event, err := os.ReadFile("events/visits.json")
	if err != nil {
		t.Fatal(err)
	}
	f := lambdatest.Start(t, lambda.Func(handle))
	for _, tt := range []struct{ name, event, want string }{
		{"a response", string(event), `{"statusCode":200,"headers":{"content-type":"text/plain"},"multiValueHeaders":null,"body":"visit 42\n","cookies":["visits=42; Path=/; HttpOnly; SameSite=Lax"]}`},
		{"a value", `{"routeKey":"GET /hello/{name}","pathParameters":{"name":"Ada"},"rawQueryString":"a=1&a=2"}`, `{"greeting":"Hello, Ada","query":"a=1&a=2"}`},
	} {
		got, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(tt.event)})
		if err != nil || !sameJSON(t, string(got), tt.want) {
			t.Errorf("%s: %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestOtherRoutesAreNotFound(t *testing.T) {
	in := events.APIGatewayV2HTTPRequest{RouteKey: "$default", RawPath: "/nowhere"}
	in.RequestContext.HTTP.Method = "PUT"
	got, err := handle(t.Context(), in)
	if r, ok := got.(events.APIGatewayV2HTTPResponse); !ok || err != nil || r.StatusCode != 404 || r.Body != "there is no PUT /nowhere\n" {
		t.Errorf("%+v, %v", got, err)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		t.Fatalf("no JSON: %s, %s", a, b)
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	for _, tt := range []struct {
		name, method, path, cookie string
		status                     int
		contentType, body          string
		setCookie                  string
	}{
		{"a value", "GET", "/hello/Ada?loud=yes", "", 200, "application/json", `{"greeting":"Hello, Ada","query":"loud=yes"}`, ""},
		{"the first visit", "GET", "/visits", "", 200, "text/plain", "visit 1\n", "visits=1; Path=/; HttpOnly; SameSite=Lax"},
		{"the next visit", "GET", "/visits", "visits=1; theme=dark", 200, "text/plain", "visit 2\n", "visits=2; Path=/; HttpOnly; SameSite=Lax"},
		{"any other route", "PUT", "/no/where", "", 404, "text/plain", "there is no PUT /no/where\n", ""},
	} {
		r := b.Do(tt.method, tt.path, "", "Cookie: "+tt.cookie)
		if r.Status != tt.status || r.Header.Get("Content-Type") != tt.contentType || r.Body != tt.body || r.Header.Get("Set-Cookie") != tt.setCookie {
			t.Errorf("%s: %d %v %s", tt.name, r.Status, r.Header, r.Body)
		}
	}
}
