package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda"
)

func TestGreetsWhomTheAuthorizerKnows(t *testing.T) {
	text, err := os.ReadFile("events/welcome.json")
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	if got, err := greet(t.Context(), event); err != nil || got.Greeting != "Welcome aboard, alice" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A route that lost its authorizer, by a mistake in the template, fails.
func TestRefusesWithoutAnAuthorizer(t *testing.T) {
	var typed *lambda.Error
	if _, err := greet(t.Context(), events.APIGatewayV2HTTPRequest{}); !errors.As(err, &typed) || typed.Type != "NoAuthorizer" {
		t.Errorf("error %v, want NoAuthorizer", err)
	}
}

// token is what a caller with the key makes.
func token(key, name string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(name))
	return "Authorization: Bearer " + name + "." + hex.EncodeToString(mac.Sum(nil))
}

func TestInBerth(t *testing.T) {
	const key = "sixteen-letters!"
	b := berthtest.Up(t, ".", "--parameter", "TokenKey="+key)
	for _, tt := range []struct {
		name   string
		header []string
		status int
		body   string
	}{
		{"allowed", []string{token(key, "alice")}, 200, `{"greeting":"Welcome aboard, alice"}`},
		{"allowed, another one", []string{token(key, "bob")}, 200, `{"greeting":"Welcome aboard, bob"}`},
		{"no token", nil, 401, `{"message":"Unauthorized"}`},
		{"another key", []string{token("another key it is", "alice")}, 403, `{"message":"Forbidden"}`},
		{"no token of ours", []string{"Authorization: Bearer alice"}, 403, `{"message":"Forbidden"}`},
		{"again, from the cache", []string{token(key, "alice")}, 200, `{"greeting":"Welcome aboard, alice"}`},
	} {
		if r := b.Do("GET", "/welcome", "", tt.header...); r.Status != tt.status || r.Body != tt.body {
			t.Errorf("%s: %d %s, want %d %s", tt.name, r.Status, r.Body, tt.status, tt.body)
		}
	}
	asked, served := 0, 0
	for _, l := range b.Lines() {
		switch {
		case l.Event == "invocation" && l.Function == "Authorizer":
			asked++
		case l.Event == "invocation" && l.Function == "Welcome":
			served++
		}
	}
	if asked > 4 || served > 3 {
		t.Errorf("the authorizer was asked %d times about four tokens, the function %d times by three requests", asked, served)
	}
}
