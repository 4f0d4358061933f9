package lambda

import (
	"fmt"
	"runtime"
	"strings"
)

// PanicError is a handler's panic. Lambda is told of it, and then the process
// exits 2 as after any panic: nobody knows what it left behind.
type PanicError struct {
	Value any
	Stack []string // "main.handle app/main.go:27", innermost call first
}

func (e *PanicError) Error() string { return fmt.Sprint(e.Value) }

// Unwrap returns the value, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

func (e *PanicError) typeName() string {
	switch v := e.Value.(type) {
	case runtime.Error:
		return "RuntimeError"
	case error:
		return errorType(v)
	}
	return "Panic"
}

// newPanicError must be called by the deferred function that recovered.
func newPanicError(value any) *PanicError {
	callers := make([]uintptr, 64)
	callers = callers[:runtime.Callers(2, callers)]
	return &PanicError{Value: value, Stack: readable(callers)}
}

// readable keeps the calls between the panic and the library: what the runtime
// does to panic, and what the library does to call the handler, tells nothing.
func readable(callers []uintptr) []string {
	var stack []string
	panicking := false
	for frames := runtime.CallersFrames(callers); ; {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking, stack = true, stack[:0]
		case frame.Function == "runtime.goexit":
			panicking = true
		case strings.HasPrefix(frame.Function, "github.com/berthdev/berth/lambda.(*engine)."):
			if panicking {
				return stack
			}
		case panicking && len(stack) == 0 && isRuntime(frame.Function):
			// runtime.panicIndex, runtime.sigpanic: between the panic and the fault
		default:
			stack = append(stack, fmt.Sprintf("%s %s:%d", frame.Function, frame.File, frame.Line))
		}
		if !more {
			return stack
		}
	}
}

func isRuntime(function string) bool { return strings.HasPrefix(function, "runtime.") }
