// Package lambdatest runs Lambda functions in tests.
//
// [Start] runs a handler in the test's own process, [Command] a function's
// process, and [NewRuntimeAPI] is the Lambda Runtime API that both speak to, for
// whatever else has to be tested against one. A function is given events, and
// its answers come back as a caller of Lambda would see them:
//
//	func TestCount(t *testing.T) {
//		f := lambdatest.Start(t, lambda.Func(handle))
//		got, err := f.Invoke(t.Context(), lambdatest.Event{
//			TenantID: "alice",
//			Payload:  []byte(`{"add":1}`),
//		})
//		…
//	}
//
// It is a double of the Runtime API and not of Lambda: there is one function,
// which is never started anew, and its memory and its tenants are not watched.
// For those, run the function with berth.
package lambdatest
