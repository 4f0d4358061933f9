package main

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

// The second way: the handler on a Runtime API in the test's own process. Decoding,
// options, error types and tenants are the real ones; so is a debugger's
// breakpoint. It takes milliseconds.

func start(t *testing.T) *lambdatest.Function {
	var h harbour
	return lambdatest.Start(t, lambda.Func(h.charge), lambda.RequireTenant())
}

func TestHandlerReadsItsEvent(t *testing.T) {
	event, err := os.ReadFile("events/stay.json")
	if err != nil {
		t.Fatal(err)
	}
	out, err := start(t).Invoke(t.Context(), lambdatest.Event{Payload: event, TenantID: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	var bill Bill
	if err := json.Unmarshal(out, &bill); err != nil || bill != (Bill{"Ada", 7500, 1}) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestHandlerFails(t *testing.T) {
	for _, tt := range []struct {
		name      string
		event     lambdatest.Event
		errorType string
	}{
		{"an error of its own", lambdatest.Event{TenantID: "alice", Payload: []byte(`{"metres":0}`)}, "NoStay"},
		{"an event of another shape", lambdatest.Event{TenantID: "alice", Payload: []byte(`{"metres":"ten"}`)}, "DecodeError"},
		{"nobody's event", lambdatest.Event{Payload: []byte(`{"metres":10,"nights":1}`)}, "TenantError"},
	} {
		_, err := start(t).Invoke(t.Context(), tt.event)
		var failure *lambdatest.FunctionError
		if !errors.As(err, &failure) || failure.Type != tt.errorType {
			t.Errorf("%s: %v, want a %s", tt.name, err, tt.errorType)
		}
	}
}

// A function that was deployed without tenant isolation, by mistake, ends rather
// than serve a second tenant.
func TestHandlerEndsBeforeASecondTenant(t *testing.T) {
	f := start(t)
	stay := []byte(`{"ship":"Ada","metres":10,"nights":1}`)
	if _, err := f.Invoke(t.Context(), lambdatest.Event{TenantID: "alice", Payload: stay}); err != nil {
		t.Fatal(err)
	}
	_, err := f.Invoke(t.Context(), lambdatest.Event{TenantID: "bob", Payload: stay})
	var failure *lambdatest.FunctionError
	if !errors.As(err, &failure) || failure.Type != "TenantError" {
		t.Errorf("bob after alice: %v, want a TenantError", err)
	}
	var refused *lambda.TenantError
	if err := f.Wait(t.Context()); !errors.As(err, &refused) {
		t.Errorf("the function ended with %v, want a *lambda.TenantError", err)
	}
}
