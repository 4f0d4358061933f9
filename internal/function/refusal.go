package function

import "fmt"

// Refusal is an answer that an AWS SDK understands: the request was read and is
// not carried out. Package service turns it into a status code and a body.
type Refusal struct {
	Type    string // Lambda's exception, "TooManyRequestsException"
	Message string // Lambda's own words: programs match on them
	Reason  string // only TooManyRequestsException has one
	Err     error  // the cause; it is logged and never sent
}

// The exceptions that more than one package answers with.
// Source: AWS Lambda API reference, Invoke.
const (
	InvalidParameterValue = "InvalidParameterValueException"
	InvalidRequestContent = "InvalidRequestContentException"
	RequestTooLarge       = "RequestEntityTooLargeException"
	ResourceNotFound      = "ResourceNotFoundException"
	ServiceFailure        = "ServiceException"
	TooManyRequests       = "TooManyRequestsException"
	Validation            = "ValidationException"
)

func (r *Refusal) Error() string {
	if r.Err != nil {
		return fmt.Sprintf("%s: %s: %v", r.Type, r.Message, r.Err)
	}
	return r.Type + ": " + r.Message
}

func (r *Refusal) Unwrap() error { return r.Err }

// Constraint is the ValidationException for one value that breaks one rule.
// path is the parameter in lower camel case, rule one of the API's sentences,
// such as "Member must have length less than or equal to 256".
func Constraint(value, path, rule string) *Refusal {
	return &Refusal{
		Type: Validation,
		Message: fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s",
			value, path, rule),
	}
}
