package runtimeapi

// The headers of the Runtime API.
// Source: AWS Lambda developer guide, runtimes-api and runtimes-custom.
const (
	RequestID       = "Lambda-Runtime-Aws-Request-Id"
	InvocationID    = "Lambda-Runtime-Invocation-Id"
	DeadlineMS      = "Lambda-Runtime-Deadline-Ms"
	FunctionARN     = "Lambda-Runtime-Invoked-Function-Arn"
	TraceID         = "Lambda-Runtime-Trace-Id"
	ClientContext   = "Lambda-Runtime-Client-Context"
	CognitoIdentity = "Lambda-Runtime-Cognito-Identity"
	TenantID        = "Lambda-Runtime-Aws-Tenant-Id"
	ResponseMode    = "Lambda-Runtime-Function-Response-Mode"
	ErrorType       = "Lambda-Runtime-Function-Error-Type"
	ErrorBody       = "Lambda-Runtime-Function-Error-Body"
	XRayErrorCause  = "Lambda-Runtime-Function-XRay-Error-Cause"
)
