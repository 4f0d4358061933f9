package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
)

//go:noinline
func sink(items []int, i int) int { return items[i] }

func TestPanicsAreReportedAndEndTheProcess(t *testing.T) {
	for _, tt := range []struct {
		name         string
		panic        func()
		typ, message string
		innermost    string
	}{
		{"a text", func() { panic("no berth") }, "Panic", "no berth", "TestPanicsAreReportedAndEndTheProcess.func1 "},
		{"an error", func() { panic(io.ErrUnexpectedEOF) }, "errorString", "unexpected EOF", "TestPanicsAreReportedAndEndTheProcess.func2 "},
		{"an error with a type", func() { panic(&Error{"OutOfStock", "no berth"}) }, "OutOfStock", "no berth", "TestPanicsAreReportedAndEndTheProcess.func3 "},
		{"an index out of range", func() { sink(nil, 7) }, "RuntimeError", "runtime error: index out of range [7] with length 0", "lambda.sink "},
		{"a nil pointer", func() { _ = *(*int)(nil) }, "RuntimeError", "runtime error: invalid memory address or nil pointer dereference", "TestPanicsAreReportedAndEndTheProcess.func5 "},
		{"nothing", func() { panic(nil) }, "RuntimeError", "panic called with nil argument", "TestPanicsAreReportedAndEndTheProcess.func6 "},
		{"a panic in a deferred call", func() { defer func() { panic("second") }(); panic("first") }, "Panic", "second", "TestPanicsAreReportedAndEndTheProcess.func7.1 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			r := p.start(Func(func(context.Context, any) (any, error) { tt.panic(); return nil, nil }))
			c := p.accept()
			c.invoke("1", `{}`)
			var body report
			if err := json.Unmarshal([]byte(c.failure("1").body), &body); err != nil {
				t.Fatal(err)
			}
			if body.Type != tt.typ || body.Message != tt.message {
				t.Errorf("sent %s: %s", body.Type, body.Message)
			}
			if len(body.StackTrace) == 0 || !strings.Contains(body.StackTrace[0], tt.innermost) {
				t.Fatalf("the stack begins otherwise than with %s: %q", tt.innermost, body.StackTrace)
			}
			if slices.ContainsFunc(body.StackTrace, func(s string) bool {
				return strings.Contains(s, "runtime.gopanic") || strings.Contains(s, "lambda.(*engine)")
			}) {
				t.Errorf("the stack shows more than the handler: %q", body.StackTrace)
			}
			err := r.wait()
			if e := (*PanicError)(nil); !errors.As(err, &e) || e.Error() != tt.message {
				t.Errorf("Run returned %v, want the panic", err)
			}
			if !strings.Contains(p.log.String(), "stackTrace=") {
				t.Errorf("the log has no stack: %s", p.log.String())
			}
		})
	}
}

func TestPanicErrorIsTheErrorItWasMadeOf(t *testing.T) {
	if err := error(&PanicError{Value: io.EOF}); !errors.Is(err, io.EOF) {
		t.Error("a panic with io.EOF is not io.EOF")
	}
}

// A handler that ends its goroutine, as a test's FailNow does, can't be called
// again on it.
func TestGoexitIsReportedAndEndsTheProcess(t *testing.T) {
	p := newPlatform(t)
	r := p.start(Func(func(context.Context, any) (any, error) { runtime.Goexit(); return nil, nil }))
	c := p.accept()
	c.invoke("1", `{}`)
	if got := c.failure("1"); !strings.Contains(got.body, "runtime.Goexit") {
		t.Errorf("sent %s", got.body)
	}
	if err := r.wait(); !errors.Is(err, errGoexit) {
		t.Errorf("Run returned %v", err)
	}
}
