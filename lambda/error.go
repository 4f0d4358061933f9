package lambda

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// Error is an error whose type the function chooses. Callers see it as
// errorType, and Step Functions matches its Retry and Catch rules on it:
//
//	return nil, &lambda.Error{Type: "OutOfStock", Message: "no berth is free"}
//
// It may be wrapped: the type stays, the message is that of the whole chain.
// Any other error's type is the name of its Go type, without package and
// pointer: PathError for an *fs.PathError. What only wraps or joins other
// errors is looked through.
type Error struct {
	Type    string
	Message string
}

func (e *Error) Error() string { return e.Message }

// report is an error as Lambda's callers see it.
// Source: AWS Lambda developer guide, runtimes-api.
type report struct {
	Message    string   `json:"errorMessage"`
	Type       string   `json:"errorType"`
	StackTrace []string `json:"stackTrace,omitempty"` // a panic's, innermost call first

	stack []Frame // the same for X-Ray
}

func newReport(err error) report {
	r := report{Message: message(err), Type: errorType(err)}
	if p, ok := errors.AsType[*PanicError](err); ok {
		r.stack = p.Stack
		for _, f := range p.Stack {
			r.StackTrace = append(r.StackTrace, f.String())
		}
	}
	return r
}

// message is err.Error(), unless that panics: a nil pointer in an error is a
// common mistake, and must not end the process.
func message(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = "an error whose Error method panics"
		}
	}()
	return err.Error()
}

func (r report) json() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return b
}

// telemetryType is the value of the header Lambda-Runtime-Function-Error-Type:
// one of Lambda's own two families, and letters.
func (r report) telemetryType() string {
	family, name, ok := strings.Cut(r.Type, ".")
	if !ok {
		family, name = "Function", r.Type
	}
	if family != "Function" && family != "Runtime" || !isCamel(name) {
		return "Function.Error"
	}
	return family + "." + name
}

// isCamel is Lambda's [A-Z][a-zA-Z]+.
func isCamel(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('A' <= c && c <= 'Z' || i > 0 && 'a' <= c && c <= 'z') {
			return false
		}
	}
	return len(s) > 1
}

// errorType finds the name that says most about an error.
func errorType(err error) string {
	name, _ := typeIn(err)
	return name
}

// typeIn reports the name of the first type in the chain that says something,
// else that of err itself.
func typeIn(err error) (name string, telling bool) {
	switch e := err.(type) {
	case *Error:
		if e != nil && e.Type != "" {
			return e.Type, true
		}
	case *PanicError:
		return e.typeName(), true
	}
	name = typeName(err)
	if !isWrapper(name) {
		return name, name != "errorString"
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			if n, ok := typeIn(inner); ok {
				return n, true
			}
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if n, ok := typeIn(inner); ok {
				return n, true
			}
		}
	}
	return name, false
}

// isWrapper names the types of packages fmt and errors that carry other errors.
func isWrapper(name string) bool {
	return name == "wrapError" || name == "wrapErrors" || name == "joinError"
}

func typeName(v any) string {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" {
		return t.String()
	}
	name, _, _ := strings.Cut(t.Name(), "[") // a generic type's arguments
	return name
}
