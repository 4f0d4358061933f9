// Package invocation carries one event to one function and brings back its
// answer, by Lambda's rules.
//
// An [Invoker] resolves the function's name, checks the tenant ID and the size
// of the event, and hands the event to the fleet. It knows nothing of HTTP, nor
// of who called.
package invocation

import "github.com/berthdev/berth/internal/function"

// Request is one event for one function.
type Request struct {
	ID        string // a UUID; "" to have one made
	Function  string // name, partial ARN or full ARN
	Qualifier string // "" if the caller gave none beside the name
	Tenant    function.TenantID

	Payload       []byte // JSON; empty means {}
	ClientContext []byte // JSON, already decoded from base64; nil if there is none
	TraceID       string // X-Amzn-Trace-Id as it came, or "" to have one made

	// Tail asks for the last 4 KB of the invocation's log. The answer then waits
	// for the end of the invocation, not only for its response.
	Tail bool
}

// Response is what the function answered. It is a success or a function error;
// whatever kept the function from being invoked is an error instead.
type Response struct {
	RequestID       string
	ExecutedVersion string // "$LATEST" or a number
	Payload         []byte
	FunctionError   string // "Unhandled", or "" on success
	LogTail         []byte // when Request.Tail was set
	TraceID         string
}
