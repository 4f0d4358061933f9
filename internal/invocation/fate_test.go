package invocation

import (
	"testing"
	"time"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/function"
)

// Source: AWS Lambda developer guide, invocation-async-error-handling and
// invocation-async-configuring.
func TestFate(t *testing.T) {
	accepted := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	lambda := policyOf(function.EventInvokeConfig{}, DefaultRetryDelay)
	with := func(retries int, age time.Duration) policy {
		return policyOf(function.EventInvokeConfig{MaximumRetryAttempts: &retries, MaximumEventAge: age}, DefaultRetryDelay)
	}
	retryAt := func(after time.Duration) fate { return fate{action: retry, at: accepted.Add(after)} }
	finished := func(c condition) fate { return fate{action: finish, condition: c} }
	for _, tt := range []struct {
		name     string
		outcome  outcome
		failures int // before this attempt
		policy   policy
		after    time.Duration // since the event was accepted
		want     fate
	}{
		{"a new event", due, 0, lambda, 0, fate{action: attempt}},
		{"an event that waited for almost six hours", due, 0, lambda, 6 * time.Hour, fate{action: attempt}},
		{"an event that waited for longer", due, 0, lambda, 6*time.Hour + 1, finished(eventAgeExceeded)},
		{"an event that waited for longer than it may", due, 0, with(2, time.Minute), time.Minute + 1, finished(eventAgeExceeded)},
		{"a retry that comes too late because nobody was there", due, 1, lambda, 7 * time.Hour, finished(eventAgeExceeded)},

		{"a success", succeeded, 0, lambda, time.Second, finished(success)},
		{"a success after failures", succeeded, 2, lambda, 4 * time.Minute, finished(success)},
		{"a success beyond the age", succeeded, 0, with(0, time.Minute), time.Hour, finished(success)},

		{"the first failure", failed, 0, lambda, time.Second, retryAt(time.Second + time.Minute)},
		{"the second", failed, 1, lambda, 62 * time.Second, retryAt(62*time.Second + 2*time.Minute)},
		{"the third", failed, 2, lambda, 5 * time.Minute, finished(retriesExhausted)},
		{"the first of one retry", failed, 0, with(1, 0), 0, retryAt(time.Minute)},
		{"the second of one retry", failed, 1, with(1, 0), time.Minute, finished(retriesExhausted)},
		{"the first without retries", failed, 0, with(0, 0), 0, finished(retriesExhausted)},
		{"more failures than are allowed now: the configuration has changed", failed, 2, with(0, 0), 0, finished(retriesExhausted)},
		{"a retry that would begin when the age is reached", failed, 0, with(2, time.Minute), 0, retryAt(time.Minute)},
		{"a retry that would begin beyond the age", failed, 0, with(2, time.Minute), time.Millisecond, finished(eventAgeExceeded)},
		{"a second retry that would", failed, 1, with(2, 2*time.Minute), 61 * time.Second, finished(eventAgeExceeded)},

		{"throttled", unreachable, 0, lambda, time.Second, fate{action: postpone}},
		{"throttled on a retry: it doesn't count", unreachable, 2, lambda, time.Hour, fate{action: postpone}},
		{"throttled beyond the age", unreachable, 0, lambda, 6*time.Hour + 1, finished(eventAgeExceeded)},
		{"no concurrency is left to the function", blocked, 0, lambda, 0, finished(zeroReservedConcurrency)},
	} {
		e := backlog.Event{Accepted: accepted, Failures: tt.failures}
		if got := decide(e, tt.outcome, tt.policy, accepted.Add(tt.after)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
