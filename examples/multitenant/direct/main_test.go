package main

import (
	"context"
	"errors"
	"testing"

	"github.com/berthdev/berth/lambda"
)

func as(t *testing.T, tenantID string) context.Context {
	return lambda.NewContext(t.Context(), &lambda.Invocation{TenantID: tenantID})
}

func TestHandleCountsRequests(t *testing.T) {
	var c counter
	for want := 1; want <= 3; want++ {
		got, err := c.handle(as(t, "alice"), Event{})
		if err != nil || got.TenantID != "alice" || got.RequestCount != want {
			t.Errorf("answer %d is %+v, %v", want, got, err)
		}
	}
}

func TestHandleRefusesAnInvocationWithoutTenant(t *testing.T) {
	var c counter
	if got, err := c.handle(as(t, ""), Event{}); !errors.Is(err, noTenant) {
		t.Errorf("got %+v, %v", got, err)
	}
}
