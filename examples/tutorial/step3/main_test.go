package main

import (
	"errors"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

func TestRefusesAnEventOfNobody(t *testing.T) {
	var l logbook
	f := lambdatest.Start(t, lambda.Func(l.handle), lambda.RequireTenant())
	_, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(`{"httpMethod":"GET"}`)})
	var failure *lambdatest.FunctionError
	if !errors.As(err, &failure) || failure.Type != "TenantError" {
		t.Errorf("%v, want a TenantError", err)
	}
}

func TestInBerthALogForEach(t *testing.T) {
	b := berthtest.Up(t, ".")
	for _, tt := range []struct {
		name, method, query, body string
		status                    int
		want                      string
	}{
		{"alice writes", "POST", "?captain=alice", "cast off", 200, `{"log":["cast off"]}`},
		{"bob reads his own", "GET", "?captain=bob", "", 200, `{"log":[]}`},
		{"bob writes", "POST", "?captain=bob", "at anchor", 200, `{"log":["at anchor"]}`},
		{"alice reads hers", "GET", "?captain=alice", "", 200, `{"log":["cast off"]}`},
		{"nobody", "GET", "", "", 400, `{"message": "Missing required request parameters: [captain]"}`},
	} {
		if r := b.Do(tt.method, "/Prod/log"+tt.query, tt.body); r.Status != tt.status || r.Body != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, r.Status, r.Body, tt.status, tt.want)
		}
	}
}
