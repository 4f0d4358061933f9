package main

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

func TestHandle(t *testing.T) {
	var l logbook
	for _, tt := range []struct {
		name, method, body string
		status             int
		want               string
	}{
		{"an empty log", "GET", "", 200, `{"log":[]}`},
		{"the first line", "POST", "cast off", 200, `{"log":["cast off"]}`},
		{"nothing to write", "POST", " ", 400, `{"message":"text is empty"}`},
		{"the second line", "POST", "fair wind", 200, `{"log":["cast off","fair wind"]}`},
		{"read it again", "GET", "", 200, `{"log":["cast off","fair wind"]}`},
	} {
		got, err := l.handle(t.Context(), events.APIGatewayProxyRequest{HTTPMethod: tt.method, Body: tt.body})
		if err != nil || got.StatusCode != tt.status || got.Body != tt.want {
			t.Errorf("%s: %+v, %v; want %d %s", tt.name, got, err, tt.status, tt.want)
		}
	}
}

// What is wrong with step 2, shown: bob reads alice's log.
func TestInBerthOneLogForAll(t *testing.T) {
	b := berthtest.Up(t, ".")
	if r := b.Do("POST", "/Prod/log", "alice: cast off"); r.Status != 200 {
		t.Fatalf("%+v", r)
	}
	if r := b.Do("GET", "/Prod/log?captain=bob", ""); r.Body != `{"log":["alice: cast off"]}` {
		t.Errorf("bob reads %s", r.Body)
	}
}
