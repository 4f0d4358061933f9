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
	Stack []Frame // innermost call first
}

// Frame is one call of a stack.
type Frame struct {
	Function string // "main.handle"
	File     string // "/src/app/main.go", or "example.com/app/main.go" when built with -trimpath
	Line     int
}

// String is "main.handle example.com/app/main.go:27".
func (f Frame) String() string { return fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line) }

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
func readable(callers []uintptr) []Frame {
	_, self, _, _ := runtime.Caller(0)
	library := strings.TrimSuffix(self, "panic.go")
	var stack []Frame
	panicking := false
	for frames := runtime.CallersFrames(callers); ; {
		frame, more := frames.Next()
		file, ours := strings.CutPrefix(frame.File, library)
		ours = ours && !strings.Contains(file, "/") && !strings.HasSuffix(file, "_test.go")
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case !panicking || len(stack) == 0 && strings.HasPrefix(frame.Function, "runtime."):
			// the deferred function, or runtime.panicIndex and runtime.sigpanic
		case ours:
			return stack
		default:
			stack = append(stack, Frame{frame.Function, frame.File, frame.Line})
		}
		if !more {
			return stack
		}
	}
}
