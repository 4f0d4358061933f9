package environment

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/sandbox"
)

// The error types with which Lambda answers for a function that can't.
// Source: AWS Lambda developer guide, runtimes-api and lambda-runtime-environment.
const (
	exitError         = "Runtime.ExitError"
	invalidEntrypoint = "Runtime.InvalidEntrypoint"
	outOfMemory       = "Runtime.OutOfMemory"
	timedOut          = "Sandbox.Timedout"
	sandboxFailure    = "Sandbox.Failure"
	responseTooLarge  = "Function.ResponseSizeTooLarge"
	invalidMode       = "Runtime.InvalidResponseModeHeader"
)

// failure is an end that the platform itself reports, in place of the runtime.
type failure struct {
	errorType string
	message   string // without the request ID
}

// payload is the function error that the caller reads. errorType stands first,
// as in Lambda's own.
func (f failure) payload(requestID string) []byte {
	return encode(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{f.errorType, "RequestId: " + requestID + " Error: " + f.message})
}

// exitFailure is the end of a process that ended by itself.
func exitFailure(exit sandbox.Exit) failure {
	switch {
	case exit.OutOfMemory:
		return failure{outOfMemory, "Runtime exited with error: " + exit.String()}
	case exit.Signal == 0 && exit.Code == 0:
		return failure{exitError, "Runtime exited without providing a reason"}
	}
	return failure{exitError, "Runtime exited with error: " + exit.String()}
}

func timeoutFailure(after time.Duration) failure {
	return failure{timedOut, fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())}
}

// entrypointFailure is the end of an environment whose command can't be run.
func entrypointFailure() failure {
	return failure{invalidEntrypoint, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
}

// tooLargePayload is the answer in place of one that is over the limit; here the
// error type stands second, and there is no request ID.
func tooLargePayload() []byte {
	return encode(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{
		fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", function.MaxResponse),
		responseTooLarge,
	})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // only strings are marshalled
		panic(err)
	}
	return b
}
