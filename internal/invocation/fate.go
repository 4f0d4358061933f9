package invocation

import (
	"time"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/function"
)

// outcome is what is known of one attempt at an asynchronous event.
type outcome string

const (
	due         outcome = "due"         // no attempt was made yet
	blocked     outcome = "blocked"     // the function's reserved concurrency is 0
	succeeded   outcome = "succeeded"   // the function has answered
	failed      outcome = "failed"      // the function has answered with an error, or timed out
	unreachable outcome = "unreachable" // throttled, or the machine's own fault: the function has not seen it
)

// policy is how long an event is worth an attempt.
type policy struct {
	retries int
	age     time.Duration
	delay   time.Duration // before the first retry; the second waits twice as long
}

// DefaultRetryDelay is the time between the first attempt and the second.
// Source: AWS Lambda developer guide, invocation-async-error-handling.
const DefaultRetryDelay = time.Minute

func policyOf(c function.EventInvokeConfig, delay time.Duration) policy {
	return policy{retries: c.Retries(), age: c.EventAge(), delay: delay}
}

// action is what happens to an event next.
type action string

const (
	attempt  action = "attempt"  // invoke the function now
	retry    action = "retry"    // invoke it again at a later time
	postpone action = "postpone" // give it back: its function is to be tried later
	finish   action = "finish"   // it is done, one way or the other
)

// condition is why an event is done, as the record for its destination says it.
// Source: AWS Lambda developer guide, invocation-async-retain-records.
type condition string

const (
	success                 condition = "Success"
	retriesExhausted        condition = "RetriesExhausted"
	eventAgeExceeded        condition = "EventAgeExceeded"
	zeroReservedConcurrency condition = "ZeroReservedConcurrency"
)

// fate is what becomes of an event.
type fate struct {
	action    action
	at        time.Time // of a retry
	condition condition // of a finish
}

// decide says what becomes of an event whose latest attempt had outcome o. Only
// an error of the function counts as a failure. A retry that would begin beyond
// the event's age isn't waited for.
// Source: AWS Lambda developer guide, invocation-async-error-handling.
func decide(e backlog.Event, o outcome, p policy, now time.Time) fate {
	tooOld := func(at time.Time) bool { return at.Sub(e.Accepted) > p.age }
	switch o {
	case succeeded:
		return fate{action: finish, condition: success}
	case blocked:
		return fate{action: finish, condition: zeroReservedConcurrency}
	case unreachable:
		if tooOld(now) {
			return fate{action: finish, condition: eventAgeExceeded}
		}
		return fate{action: postpone}
	case failed:
		if e.Failures >= p.retries {
			return fate{action: finish, condition: retriesExhausted}
		}
		at := now.Add(p.delay << e.Failures)
		if tooOld(at) {
			return fate{action: finish, condition: eventAgeExceeded}
		}
		return fate{action: retry, at: at}
	}
	if tooOld(now) {
		return fate{action: finish, condition: eventAgeExceeded}
	}
	return fate{action: attempt}
}
