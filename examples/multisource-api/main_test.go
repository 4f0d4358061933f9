package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

// The same request as three doors tell it, and what the handler made of it. The
// events are AWS's, shortened.
var doors = []struct{ door, event string }{
	{"ALB", "events/alb.json"},
	{"REST API", "events/rest.json"},
	{"HTTP API", "events/http.json"},
}

func TestWithoutLambda(t *testing.T) {
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"a repeated query", "GET", "/quays/north?ship=Ada&ship=Bob", "", 200, `{"quay":"north","ships":["Ada","Bob"],"client":"192.0.2.1","door":"net/http"}`},
		{"a body", "POST", "/quays/north/ships", `{"name":"Ada"}`, 201, `{"quay":"north","ships":["Ada"],"client":"192.0.2.1","door":"net/http"}`},
		{"no ship", "POST", "/quays/north/ships", `{}`, 400, "the body is no ship with a name"},
		{"another method", "DELETE", "/quays/north", "", 405, "Method Not Allowed"},
	} {
		w := httptest.NewRecorder()
		newAPI().ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.status || strings.TrimSpace(w.Body.String()) != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	if len(b.Gateways) != 2 {
		t.Fatalf("the doors are %v, want a REST API's and an HTTP API's", b.Gateways)
	}

	for _, d := range doors {
		event, err := os.ReadFile(d.event)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			StatusCode int
			Body       string
		}
		b.Call("Quays", "", string(event), &answer)
		var got Quay
		if err := json.Unmarshal([]byte(answer.Body), &got); err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != 200 || got.Door != d.door || got.Quay != "north" || got.Client != "192.0.2.1" || !slices.Equal(got.Ships, []string{"Ada", "Bob"}) {
			t.Errorf("%s: %d %+v", d.door, answer.StatusCode, got)
		}
	}

	for door, base := range map[string]string{"REST API": b.Gateways[0] + "/Prod", "HTTP API": b.Gateways[1]} {
		r := b.DoURL("GET", base+"/quays/north?ship=Ada&ship=Bob", "")
		var got Quay
		if err := json.Unmarshal([]byte(r.Body), &got); err != nil {
			t.Fatalf("%s: %v in %s", door, err, r.Body)
		}
		if r.Status != 200 || got.Door != door || got.Quay != "north" || got.Client != "127.0.0.1" || !slices.Equal(got.Ships, []string{"Ada", "Bob"}) {
			t.Errorf("%s: %d %+v", door, r.Status, got)
		}
		r = b.DoURL("POST", base+"/quays/north/ships", `{"name":"Ada"}`, "Content-Type: application/json")
		if cookies := r.Header.Values("Set-Cookie"); r.Status != http.StatusCreated || !slices.Equal(cookies, []string{"quay=north", "ship=Ada"}) || r.Header.Get("Location") != "/quays/north" {
			t.Errorf("%s: %d %v", door, r.Status, r.Header)
		}
	}
}
