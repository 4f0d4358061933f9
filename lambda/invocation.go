package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Invocation is what Lambda tells about one invocation, beside its event. A
// field is empty when Lambda didn't say. It belongs to the handler and is never
// used again.
type Invocation struct {
	// RequestID is the same for every attempt at an event, so that a function
	// can tell a retry from a new event.
	RequestID string

	// InvocationID is another one for each attempt. Older platforms have none.
	InvocationID string

	// TenantID is the tenant whose environment this is: 1 to 256 characters, or
	// "" when the function has no tenant isolation.
	// Source: AWS Lambda developer guide, tenant-isolation-context.
	TenantID string

	// Deadline is when Lambda ends the invocation. The context ends then too, or
	// earlier: see [WithDeadlineMargin].
	Deadline time.Time

	// InvokedFunctionARN is the function as the caller addressed it: with a
	// version or an alias only if the caller gave one.
	InvokedFunctionARN string

	// TraceID is the X-Ray trace header, "Root=1-…;Parent=…;Sampled=0".
	TraceID string

	// RawClientContext and RawCognitoIdentity are JSON as it came. The methods
	// ClientContext and CognitoIdentity read them.
	RawClientContext   string
	RawCognitoIdentity string

	// Function is the same for every invocation.
	Function Function
}

// Function is what the environment tells about the function.
// Source: AWS Lambda developer guide, configuration-envvars.
type Function struct {
	Name      string // "orders"
	Version   string // "$LATEST" or a number
	MemoryMB  int    // 128 to 10,240; 0 when it isn't known
	LogGroup  string // "/aws/lambda/orders"
	LogStream string
}

// ClientContext is what a mobile SDK tells about the application that calls.
type ClientContext struct {
	Client struct {
		InstallationID string `json:"installation_id"`
		AppTitle       string `json:"app_title"`
		AppVersionName string `json:"app_version_name"`
		AppVersionCode string `json:"app_version_code"`
		AppPackageName string `json:"app_package_name"`
	} `json:"client"`
	Env    map[string]string `json:"env"`
	Custom map[string]string `json:"custom"`
}

// CognitoIdentity is the identity of a caller that Amazon Cognito authenticated.
type CognitoIdentity struct {
	ID     string `json:"cognitoIdentityId"`
	PoolID string `json:"cognitoIdentityPoolId"`
}

// ClientContext reads the client context. Without one it returns nil, and no
// error.
func (inv *Invocation) ClientContext() (*ClientContext, error) {
	return decodeHeader[ClientContext]("client context", inv.RawClientContext)
}

// CognitoIdentity reads the caller's identity. Without one it returns nil, and
// no error.
func (inv *Invocation) CognitoIdentity() (*CognitoIdentity, error) {
	return decodeHeader[CognitoIdentity]("Cognito identity", inv.RawCognitoIdentity)
}

func decodeHeader[T any](what, text string) (*T, error) {
	if text == "" {
		return nil, nil
	}
	v := new(T)
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	return v, nil
}

type invocationKey struct{}

// FromContext returns the invocation that a handler's context belongs to.
func FromContext(ctx context.Context) (*Invocation, bool) {
	inv, ok := ctx.Value(invocationKey{}).(*Invocation)
	return inv, ok
}

// NewContext returns a context that belongs to inv: for tests that call a
// handler's function by itself. It does not end at the deadline.
func NewContext(parent context.Context, inv *Invocation) context.Context {
	return context.WithValue(parent, invocationKey{}, inv)
}

// TenantID returns the tenant that a handler's context belongs to, or "" when
// there is none.
func TenantID(ctx context.Context) string {
	if inv, ok := FromContext(ctx); ok {
		return inv.TenantID
	}
	return ""
}
