package main

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

func TestConvert(t *testing.T) {
	for _, tt := range []struct {
		from Speed
		to   string
		want float64
		ok   bool
	}{
		{Speed{10, "kn"}, "km/h", 18.52, true},
		{Speed{18, "km/h"}, "m/s", 5, true},
		{Speed{3, "m/s"}, "m/s", 3, true},
		{Speed{1, "furlong"}, "m/s", 0, false},
		{Speed{1, "kn"}, "warp", 0, false},
	} {
		got, err := convert(tt.from, tt.to)
		if got.Value != tt.want || (err == nil) != tt.ok {
			t.Errorf("%v in %s = %v, %v; want %v", tt.from, tt.to, got, err, tt.want)
		}
	}
}

// The event is one that API Gateway has sent, shortened.
func TestHandleAnEvent(t *testing.T) {
	text, err := os.ReadFile("events/one.json")
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayProxyRequest
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	got, err := handle(t.Context(), event)
	if err != nil || got.StatusCode != http.StatusOK || got.Body != `{"value":5,"unit":"m/s"}` {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"path and defaults", "GET", "/Prod/speeds/10", "", 200, `{"value":18.52,"unit":"km/h"}`},
		{"query", "GET", "/Prod/speeds/18?from=km/h&to=m%2Fs", "", 200, `{"value":5,"unit":"m/s"}`},
		{"body and repeated query", "POST", "/Prod/speeds?to=km/h&to=kn", `[{"value":1,"unit":"kn"}]`, 200, `[{"value":1.852,"unit":"km/h"},{"value":1,"unit":"kn"}]`},
		{"no number", "GET", "/Prod/speeds/fast", "", 400, `{"message":"\"fast\" is not a number"}`},
		{"no unit", "GET", "/Prod/speeds/1?to=warp", "", 400, `{"message":"can't convert \"kn\" to \"warp\""}`},
		{"no list", "POST", "/Prod/speeds", `{}`, 400, `{"message":"the body is no list of speeds"}`},
		{"a route that the API doesn't have", "DELETE", "/Prod/speeds", "", 403, `{"message":"Missing Authentication Token"}`},
	} {
		r := b.Do(tt.method, tt.path, tt.body)
		if r.Status != tt.status || r.Body != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, r.Status, r.Body, tt.status, tt.want)
		}
		if tt.status == 200 && r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", tt.name, r.Header)
		}
	}
}
