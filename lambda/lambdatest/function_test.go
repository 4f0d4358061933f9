package lambdatest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

func TestWhatAHandlerIsTold(t *testing.T) {
	f := lambdatest.Start(t, lambda.Func(func(ctx context.Context, event map[string]int) ([]string, error) {
		inv, ok := lambda.FromContext(ctx)
		if !ok {
			return nil, errors.New("no invocation in the context")
		}
		return []string{fmt.Sprint(event), inv.TenantID, inv.RequestID, inv.InvokedFunctionARN, inv.TraceID,
			inv.RawClientContext, inv.RawCognitoIdentity, inv.Function.Name}, nil
	}))
	got, err := f.Invoke(t.Context(), lambdatest.Event{
		Payload:            []byte(`{"add":1}`),
		TenantID:           "alice",
		RequestID:          "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
		InvokedFunctionARN: "arn:aws:lambda:eu-west-1:1:function:x:live",
		TraceID:            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
		ClientContext:      `{"custom":{}}`,
		CognitoIdentity:    `{"cognitoIdentityId":"i"}`,
	})
	const want = `["map[add:1]","alice","8476a536-e9f4-11e8-9739-2dfe598c3fcd","arn:aws:lambda:eu-west-1:1:function:x:live",` +
		`"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700","{\"custom\":{}}","{\"cognitoIdentityId\":\"i\"}","test"]`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, error %v\nwant %s", got, err, want)
	}
}

func TestAnEmptyEventIsAnEmptyObject(t *testing.T) {
	f := lambdatest.Start(t, lambda.Bytes(func(ctx context.Context, event []byte) ([]byte, error) {
		inv, _ := lambda.FromContext(ctx)
		if inv.InvocationID == "" || inv.RequestID == "" || inv.TenantID != "" {
			return nil, fmt.Errorf("%+v", inv)
		}
		return event, nil
	}))
	if got, err := f.Invoke(t.Context(), lambdatest.Event{}); err != nil || string(got) != "{}" {
		t.Errorf("got %s, error %v", got, err)
	}
}

func TestEventsAreServedOneAfterTheOther(t *testing.T) {
	busy := make(chan bool, 1)
	f := lambdatest.Start(t, lambda.Bytes(func(_ context.Context, event []byte) ([]byte, error) {
		select {
		case busy <- true:
		default:
			return nil, errors.New("two at once")
		}
		defer func() { <-busy }()
		return event, nil
	}))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			want := fmt.Sprint(i)
			if got, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(want)}); err != nil || string(got) != want {
				t.Errorf("got %s, error %v; want %s", got, err, want)
			}
		})
	}
	wg.Wait()
}

func TestErrors(t *testing.T) {
	f := lambdatest.Start(t, lambda.Func(func(_ context.Context, event string) (any, error) {
		switch event {
		case "typed":
			return nil, fmt.Errorf("order 7: %w", &lambda.Error{Type: "OutOfStock", Message: "no berth is free"})
		case "large":
			return strings.Repeat("x", 6<<20+100), nil
		}
		return "well", nil
	}))
	for _, c := range []struct{ event, errorType, message string }{
		{"typed", "OutOfStock", "order 7: no berth is free"},
		{"large", "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."},
	} {
		_, err := f.Invoke(t.Context(), lambdatest.Event{Payload: fmt.Appendf(nil, "%q", c.event)})
		e, ok := errors.AsType[*lambdatest.FunctionError](err)
		if !ok || e.Type != c.errorType || e.Message != c.message {
			t.Errorf("%s: error %v, want %s: %s", c.event, err, c.errorType, c.message)
		}
	}
	if got, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(`""`)}); err != nil || string(got) != `"well"` {
		t.Errorf("after the errors: got %s, error %v", got, err)
	}
}

func TestAPanicEndsTheFunctionAndNotTheTest(t *testing.T) {
	f := lambdatest.Start(t, lambda.Bytes(func(context.Context, []byte) ([]byte, error) { panic("oh") }))
	_, err := f.Invoke(t.Context(), lambdatest.Event{})
	if e, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || e.Message != "oh" || len(e.StackTrace) == 0 {
		t.Errorf("error %v, want the panic with its stack", err)
	}
	if err := f.Wait(t.Context()); err == nil {
		t.Error("the function goes on")
	}
	_, err = f.Invoke(t.Context(), lambdatest.Event{})
	if _, ok := errors.AsType[*lambdatest.ExitError](err); !ok {
		t.Errorf("the next invocation: %v, want an *ExitError", err)
	}
}

func TestAFailedInit(t *testing.T) {
	f := lambdatest.Start(t, lambda.Bytes(func(_ context.Context, b []byte) ([]byte, error) { return b, nil }),
		lambda.OnInit(func(context.Context) error { return errors.New("no database") }))
	_, err := f.Invoke(t.Context(), lambdatest.Event{})
	if e, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || !e.Init || e.Message != "no database" {
		t.Errorf("error %v, want that of the init", err)
	}
}

func TestTheDeadlineAndATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		left, late := make(chan time.Duration, 2), make(chan error, 1)
		f := lambdatest.Start(t, lambda.Bytes(func(ctx context.Context, event []byte) ([]byte, error) {
			deadline, _ := ctx.Deadline()
			left <- time.Until(deadline)
			if string(event) == `"slow"` {
				<-ctx.Done()
				late <- context.Cause(ctx)
				time.Sleep(time.Minute)
			}
			return event, nil
		}))
		_, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(`"slow"`), Timeout: 10 * time.Second})
		if e, ok := errors.AsType[*lambdatest.TimeoutError](err); !ok || e.Error() != "Task timed out after 10.00 seconds" {
			t.Errorf("error %v, want a timeout", err)
		}
		took := time.Since(start)
		if had, cause := <-left, <-late; took != 10*time.Second || had != took || !errors.Is(cause, lambda.ErrDeadline) {
			t.Errorf("after %s; the handler had %s, and its context ended with %v", took, had, cause)
		}
		if got, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte("1")}); err != nil || string(got) != "1" {
			t.Errorf("the next one: got %s, error %v", got, err)
		}
	})
}

func TestACallerWhoLeaves(t *testing.T) {
	release := make(chan bool)
	f := lambdatest.Start(t, lambda.Bytes(func(context.Context, []byte) ([]byte, error) { <-release; return []byte("1"), nil }))
	ctx, cancel := context.WithCancelCause(t.Context())
	bored := errors.New("bored")
	cancel(bored)
	for range 2 { // the first may wait for the function to ask, the second for the response
		if _, err := f.Invoke(ctx, lambdatest.Event{}); !errors.Is(err, bored) {
			t.Errorf("error %v, want the cause", err)
		}
	}
	close(release)
	if err := f.Idle(t.Context()); err != nil {
		t.Error(err)
	}
	if got, err := f.Invoke(t.Context(), lambdatest.Event{}); err != nil || string(got) != "1" {
		t.Errorf("the next one: got %s, error %v", got, err)
	}
}

func TestIdleWaitsForWorkInTheBackground(t *testing.T) {
	release := make(chan bool)
	done := false
	f := lambdatest.Start(t, lambda.Background(func(_ context.Context, _ []byte, respond func(string) error) error {
		err := respond("accepted")
		<-release
		done = true
		return err
	}))
	if got, err := f.Invoke(t.Context(), lambdatest.Event{}); err != nil || string(got) != `"accepted"` {
		t.Fatalf("got %s, error %v", got, err)
	}
	close(release)
	if err := f.Idle(t.Context()); err != nil || !done {
		t.Errorf("idle with error %v, the work done: %t", err, done)
	}
}

func TestAStreamIsReadAsItComes(t *testing.T) {
	step := make(chan bool)
	f := lambdatest.Start(t, lambda.Stream(func(_ context.Context, _ []byte, w *lambda.ResponseWriter) error {
		if err := w.WriteHead(lambda.ResponseHead{StatusCode: 201, Cookies: []string{"a=1"}}); err != nil {
			return err
		}
		io.WriteString(w, "one")
		if err := w.Flush(); err != nil {
			return err
		}
		<-step
		io.WriteString(w, "two")
		return nil
	}))
	s, err := f.Open(t.Context(), lambdatest.Event{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	head, err := s.Head()
	if err != nil || head.StatusCode != 201 || !slices.Equal(head.Cookies, []string{"a=1"}) || !s.Streamed() {
		t.Fatalf("head %+v, error %v, streamed: %t", head, err, s.Streamed())
	}
	part := make([]byte, 3)
	if _, err := io.ReadFull(s, part); err != nil || string(part) != "one" {
		t.Fatalf("before the second part was written: %q, error %v", part, err)
	}
	close(step)
	if rest, err := io.ReadAll(s); err != nil || string(rest) != "two" {
		t.Errorf("then %q, error %v", rest, err)
	}
}

func TestAStreamThatFailsMidway(t *testing.T) {
	f := lambdatest.Start(t, lambda.Stream(func(_ context.Context, _ []byte, w *lambda.ResponseWriter) error {
		io.WriteString(w, "half")
		w.Flush()
		return &lambda.Error{Type: "Torn", Message: "the rope broke"}
	}))
	s, err := f.Open(t.Context(), lambdatest.Event{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := io.ReadAll(s)
	if e, ok := errors.AsType[*lambdatest.FunctionError](err); string(got) != "half" || !ok || e.Type != "Torn" {
		t.Errorf("read %q, error %v; want half and the function's error", got, err)
	}
}

func TestAReaderWhoLeavesEndsTheHandlersContext(t *testing.T) {
	cause := make(chan error, 1)
	f := lambdatest.Start(t, lambda.Stream(func(ctx context.Context, _ []byte, w *lambda.ResponseWriter) error {
		for ctx.Err() == nil {
			w.Write(make([]byte, 64<<10))
		}
		cause <- context.Cause(ctx)
		return nil
	}))
	s, err := f.Open(t.Context(), lambdatest.Event{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 100<<10)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := <-cause; !errors.Is(err, lambda.ErrReaderGone) {
		t.Errorf("the context ended with %v", err)
	}
}

func TestAReaderWhoLeavesIsMissedBeforeTheNextWrite(t *testing.T) {
	f := lambdatest.Start(t, lambda.Stream(func(ctx context.Context, _ []byte, w *lambda.ResponseWriter) error {
		io.WriteString(w, "one")
		if err := w.Flush(); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}))
	s, err := f.Open(t.Context(), lambdatest.Event{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := f.Idle(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStopClosesWhatTheFunctionHasOpen(t *testing.T) {
	var events []string
	f := lambdatest.Start(t, lambda.Bytes(func(_ context.Context, b []byte) ([]byte, error) { return b, nil }),
		lambda.OnInit(func(context.Context) error { events = append(events, "open"); return nil }),
		lambda.OnShutdown(func(context.Context) error { events = append(events, "close"); return nil }))
	if _, err := f.Invoke(t.Context(), lambdatest.Event{}); err != nil {
		t.Fatal(err)
	}
	if err := f.Stop(t.Context()); err != nil || !slices.Equal(events, []string{"open", "close"}) {
		t.Errorf("stopped with error %v, events %v", err, events)
	}
}

// TestMain lets the test binary be a function's process.
func TestMain(m *testing.M) {
	switch os.Getenv("LAMBDATEST_PROCESS") {
	case "serve":
		lambda.Start(lambda.Bytes(func(ctx context.Context, _ []byte) ([]byte, error) {
			return fmt.Appendf(nil, `"%s in %d"`, lambda.TenantID(ctx), os.Getpid()), nil
		}), lambda.OnShutdown(func(context.Context) error { fmt.Println("bye"); return nil }))
	case "exit":
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func process(t *testing.T, kind string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "LAMBDATEST_PROCESS="+kind)
	return cmd
}

func TestAProcessIsInvokedAndStopped(t *testing.T) {
	cmd := process(t, "serve")
	var out strings.Builder
	cmd.Stdout = &out
	f := lambdatest.Command(t, cmd)
	got, err := f.Invoke(t.Context(), lambdatest.Event{TenantID: "alice"})
	if want := fmt.Sprintf(`"alice in %d"`, cmd.Process.Pid); err != nil || string(got) != want {
		t.Errorf("got %s, error %v; want %s", got, err, want)
	}
	if err := f.Stop(t.Context()); err != nil || out.String() != "bye\n" {
		t.Errorf("stopped with error %v, after printing %q", err, out.String())
	}
}

func TestAProcessThatEnds(t *testing.T) {
	f := lambdatest.Command(t, process(t, "exit"))
	_, err := f.Invoke(t.Context(), lambdatest.Event{})
	if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != 3 {
		t.Errorf("error %v, want exit status 3", err)
	}
}
