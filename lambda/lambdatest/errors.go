package lambdatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// FunctionError is what a function reports in place of a response, or behind the
// first part of a streamed one.
type FunctionError struct {
	Type       string // errorType, as the caller sees it
	Message    string
	StackTrace json.RawMessage // nil if there is none
	Payload    []byte          // the whole report, as the caller gets it

	// Reported is the Lambda-Runtime-Function-Error-Type, for telemetry.
	Reported string
	// Init tells that the function failed before its first invocation. It then
	// gets none, and each Invoke returns this error.
	Init bool
}

func (e *FunctionError) Error() string {
	phase := ""
	if e.Init {
		phase = "in its init "
	}
	return fmt.Sprintf("the function failed %swith %s: %s", phase, e.Type, e.Message)
}

func newFunctionError(payload []byte, reported string) *FunctionError {
	e := &FunctionError{Payload: payload, Reported: reported}
	var body struct {
		Type       string          `json:"errorType"`
		Message    string          `json:"errorMessage"`
		StackTrace json.RawMessage `json:"stackTrace"`
	}
	if err := json.Unmarshal(payload, &body); err == nil { // any JSON goes to the caller unchanged, and other bytes too
		e.Type, e.Message, e.StackTrace = body.Type, body.Message, body.StackTrace
	}
	return e
}

// TimeoutError says that the function took longer than it had. Its late answer
// is refused.
type TimeoutError struct{ After time.Duration }

// Error is worded as Lambda words it.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("Task timed out after %.2f seconds", e.After.Seconds())
}

// ExitError says that the function ended, in the middle of an invocation or
// before it.
type ExitError struct {
	Err error // what Run returned, or os/exec; nil for status 0
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return "the function ended"
	}
	return "the function ended: " + e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// errClosed is what calls get after the test has ended.
var errClosed = errors.New("the Runtime API is closed")
