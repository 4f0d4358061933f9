package invocation

import (
	"context"
	"errors"
	"regexp"
	"testing"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
)

// fleet answers with whatever it is told to, and remembers what it got.
type fleet struct {
	answer environment.Answer
	err    error
	got    []environment.Invocation
}

func (f *fleet) Invoke(_ context.Context, _ *function.Version, inv environment.Invocation) (*environment.Answer, error) {
	f.got = append(f.got, inv)
	return &f.answer, f.err
}

func invoker(f *fleet) *Invoker {
	r := function.NewRegistry("us-east-1", "123456789012")
	r.Put(&function.Version{Name: "isolated", Number: function.Latest, TenantIsolation: true})
	r.Put(&function.Version{Name: "ordinary", Number: function.Latest})
	return New(r, f)
}

// Source: AWS Lambda developer guide, tenant-isolation-invoke.
func TestTenantMustFitTheFunction(t *testing.T) {
	for _, tt := range []struct {
		name    string
		request Request
		refusal string
	}{
		{"an isolated function with a tenant", Request{Function: "isolated", Tenant: "alice"}, ""},
		{"an ordinary one without", Request{Function: "ordinary"}, ""},
		{"an isolated function without a tenant", Request{Function: "isolated"}, tenantMissing},
		{"an ordinary one with", Request{Function: "ordinary", Tenant: "alice"}, tenantUnwanted},
	} {
		f := &fleet{}
		_, err := invoker(f).Invoke(t.Context(), tt.request)
		checkErr := invoker(f).Check(t.Context(), tt.request)
		var refusal *function.Refusal
		if tt.refusal == "" {
			if err != nil || checkErr != nil || len(f.got) != 1 || f.got[0].Tenant != tt.request.Tenant {
				t.Errorf("%s: %v, %v, %+v", tt.name, err, checkErr, f.got)
			}
			continue
		}
		if !errors.As(err, &refusal) || refusal.Type != function.InvalidParameterValue || refusal.Message != tt.refusal {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.refusal)
		}
		if checkErr == nil || checkErr.Error() != err.Error() {
			t.Errorf("%s: the dry run says %v, the invocation %v", tt.name, checkErr, err)
		}
		if len(f.got) != 0 {
			t.Errorf("%s: it reached the fleet", tt.name)
		}
	}
}

func TestWhatTheCallerLeavesOutIsMadeUp(t *testing.T) {
	f := &fleet{}
	response, err := invoker(f).Invoke(t.Context(), Request{Function: "ordinary"})
	if err != nil {
		t.Fatal(err)
	}
	got := f.got[0]
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(got.RequestID) || response.RequestID != got.RequestID {
		t.Errorf("request ID %q, in the response %q", got.RequestID, response.RequestID)
	}
	// Source: AWS X-Ray developer guide, xray-concepts.
	if !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`).MatchString(got.TraceID) {
		t.Errorf("trace %q", got.TraceID)
	}
	if string(got.Payload) != "{}" {
		t.Errorf("payload %q, want {}", got.Payload)
	}
}

func TestAnswer(t *testing.T) {
	f := &fleet{answer: environment.Answer{Payload: []byte(`{"errorMessage":"no"}`), FunctionError: true}}
	response, err := invoker(f).Invoke(t.Context(), Request{ID: "r1", TraceID: "t1", Function: "ordinary:$LATEST", Payload: []byte("1")})
	if err != nil {
		t.Fatal(err)
	}
	if response.RequestID != "r1" || response.TraceID != "t1" || response.ExecutedVersion != "$LATEST" ||
		response.FunctionError != "Unhandled" || string(response.Payload) != `{"errorMessage":"no"}` {
		t.Errorf("%+v", response)
	}
	if arn := f.got[0].InvokedARN; arn != "arn:aws:lambda:us-east-1:123456789012:function:ordinary:$LATEST" {
		t.Errorf("invoked ARN %s", arn)
	}
}

func TestRefusalOfTheFleetReachesTheCaller(t *testing.T) {
	throttled := &function.Refusal{Type: function.TooManyRequests, Message: "Rate Exceeded."}
	_, err := invoker(&fleet{err: throttled}).Invoke(t.Context(), Request{Function: "ordinary"})
	var refusal *function.Refusal
	if !errors.As(err, &refusal) || refusal != throttled {
		t.Errorf("error %v", err)
	}
}
