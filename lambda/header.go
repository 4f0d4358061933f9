package lambda

import "github.com/berthdev/berth/lambda/internal/runtimeapi"

// The headers of the Runtime API: the first eight come with an invocation, the
// others go out with an answer.
// Source: AWS Lambda developer guide, runtimes-api and runtimes-custom.
const (
	HeaderRequestID          = runtimeapi.RequestID
	HeaderInvocationID       = runtimeapi.InvocationID
	HeaderTenantID           = runtimeapi.TenantID
	HeaderDeadlineMS         = runtimeapi.DeadlineMS
	HeaderInvokedFunctionARN = runtimeapi.FunctionARN
	HeaderTraceID            = runtimeapi.TraceID
	HeaderClientContext      = runtimeapi.ClientContext
	HeaderCognitoIdentity    = runtimeapi.CognitoIdentity

	HeaderResponseMode = runtimeapi.ResponseMode
	HeaderErrorType    = runtimeapi.ErrorType
	HeaderErrorBody    = runtimeapi.ErrorBody
	HeaderXRayCause    = runtimeapi.XRayErrorCause
)
