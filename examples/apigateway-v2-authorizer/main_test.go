package main

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"

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
