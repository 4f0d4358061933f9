package main

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

// In the bubble an hour of work takes no time, and the order of events is exact.
func TestAnswerComesBeforeTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := lambdatest.Start(t, lambda.Background(handle))
		begin := time.Now()
		_, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(`{"report":"spring","seconds":60}`), Timeout: 2 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited >= time.Minute {
			t.Errorf("the answer came after %v", waited)
		}
		if err := f.Idle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if worked := time.Since(begin); worked < time.Minute {
			t.Errorf("the function asked for more work after %v", worked)
		}
	})
}

func TestAnErrorBeforeTheAnswerIsTheCallers(t *testing.T) {
	f := lambdatest.Start(t, lambda.Background(handle))
	_, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(`{}`)})
	var failure *lambdatest.FunctionError
	if !errors.As(err, &failure) || failure.Type != "ReportMissing" {
		t.Errorf("error %v, want ReportMissing", err)
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	a := b.Invoke("Reports", "", `{"report":"spring","seconds":1}`)
	answered := time.Now()
	var receipt Receipt
	if err := json.Unmarshal([]byte(a.Payload), &receipt); err != nil || receipt.Accepted != "spring" || receipt.RequestID != a.RequestID {
		t.Fatalf("%+v, %v", a, err)
	}
	// The work began after the answer was on its way, and takes a second.
	written := b.AwaitLog("report written")
	if written.RequestID != receipt.RequestID || !written.Time.After(answered) {
		t.Errorf("the work of %s ended at %v, want after the answer at %v", written.RequestID, written.Time, answered)
	}
}
