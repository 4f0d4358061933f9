package lambdatest_test

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"testing"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

func greet(ctx context.Context, name string) (string, error) {
	return "hello " + name + ", tenant " + lambda.TenantID(ctx), nil
}

func ExampleStart() {
	TestGreet := func(t testing.TB) {
		f := lambdatest.Start(t, lambda.Func(greet))
		got, err := f.Invoke(t.Context(), lambdatest.Event{TenantID: "alice", Payload: []byte(`"Ann"`)})
		fmt.Println(string(got), err)
	}
	runTest(TestGreet)
	// Output: "hello Ann, tenant alice" <nil>
}

func ExampleRuntimeAPI_Open() {
	tick := lambda.Stream(func(_ context.Context, n int, w *lambda.ResponseWriter) error {
		for i := range n {
			fmt.Fprintln(w, "tick", i)
			if err := w.Flush(); err != nil {
				return err
			}
		}
		return nil
	})
	TestTick := func(t testing.TB) {
		f := lambdatest.Start(t, tick)
		s, err := f.Open(t.Context(), lambdatest.Event{Payload: []byte("3")})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var word string
		var i int
		for {
			if _, err := fmt.Fscan(s, &word, &i); err != nil {
				break
			}
			fmt.Println(word, i)
		}
	}
	runTest(TestTick)
	// Output:
	// tick 0
	// tick 1
	// tick 2
}

func ExampleCommand() {
	_ = func(t *testing.T) {
		f := lambdatest.Command(t, exec.Command("./bootstrap"))
		got, err := f.Invoke(t.Context(), lambdatest.Event{TenantID: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", got)
	}
}

// runTest runs a test inside of an example: with what lambdatest needs of a
// testing.TB, and nothing else.
func runTest(test func(testing.TB)) {
	t := &exampleTB{}
	defer func() {
		for _, f := range slices.Backward(t.cleanups) {
			f()
		}
	}()
	test(t)
}

type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (t *exampleTB) Helper()                  {}
func (t *exampleTB) Cleanup(f func())         { t.cleanups = append(t.cleanups, f) }
func (t *exampleTB) Context() context.Context { return context.Background() }
func (t *exampleTB) Output() io.Writer        { return io.Discard }
func (t *exampleTB) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }
