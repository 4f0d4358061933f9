package lambdatest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Event is one event for a function, and what Lambda tells with it. Its zero
// value is an empty object for a function without tenants.
type Event struct {
	Payload  []byte // JSON; nil means {}
	TenantID string

	// Timeout is what the function has for the invocation; 0 means 3 s, Lambda's
	// default. After it, the invocation fails with a [*TimeoutError].
	Timeout time.Duration

	RequestID          string // a UUID; "" to have one made
	InvokedFunctionARN string // "" means that of FunctionName in us-east-1
	TraceID            string // X-Ray's trace header
	ClientContext      string // JSON
	CognitoIdentity    string // JSON
	ContentType        string // "" means application/json

	// NoInvocationID leaves out Lambda-Runtime-Invocation-Id, as platforms did
	// before July 2026.
	NoInvocationID bool
}

// FunctionName is the name that functions have here.
const FunctionName = "test"

// header writes the event's metadata as the Runtime API does: what has no value
// is left out. Source: AWS Lambda developer guide, runtimes-api.
func (e Event) header(h http.Header, requestID, invocationID string, deadline time.Time) {
	set := func(name, value, otherwise string) {
		if value == "" {
			value = otherwise
		}
		if value != "" {
			h.Set(name, value)
		}
	}
	set("Content-Type", e.ContentType, "application/json")
	set("Lambda-Runtime-Aws-Request-Id", requestID, "")
	set("Lambda-Runtime-Invocation-Id", invocationID, "")
	set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10), "")
	set("Lambda-Runtime-Invoked-Function-Arn", e.InvokedFunctionARN, "arn:aws:lambda:us-east-1:123456789012:function:"+FunctionName)
	set("Lambda-Runtime-Trace-Id", e.TraceID, "")
	set("Lambda-Runtime-Client-Context", e.ClientContext, "")
	set("Lambda-Runtime-Cognito-Identity", e.CognitoIdentity, "")
	set("Lambda-Runtime-Aws-Tenant-Id", e.TenantID, "")
}

// newUUID returns a random UUID, version 4. Source: RFC 9562, section 5.4.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// environment is what Lambda sets for a function, at least as far as runtime
// libraries look. Source: AWS Lambda developer guide, configuration-envvars.
func environment(runtimeAPI string) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAPI,
		"AWS_LAMBDA_FUNCTION_NAME=" + FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + FunctionName,
		"AWS_LAMBDA_LOG_STREAM_NAME=2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
		"AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1",
		"_HANDLER=bootstrap",
	}
}
