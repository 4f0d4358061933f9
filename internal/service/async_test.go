package service

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
)

// accepter keeps what it was given.
type accepter struct {
	err error
	got []invocation.Request
}

func (a *accepter) Accept(_ context.Context, r invocation.Request) error {
	a.got = append(a.got, r)
	return a.err
}

var event = map[string]string{"X-Amz-Invocation-Type": "Event", "X-Amz-Tenant-Id": "alice"}

// Source: AWS Lambda API reference, Invoke: 202 without a body and without an
// executed version.
func TestAnEventIsAccepted(t *testing.T) {
	a, fake := &accepter{}, &fakeInvoker{}
	w := do(New(fake, registry(), Config{Async: a}), post(counterPath, `{"n":1}`, event))
	if w.Code != http.StatusAccepted || w.Body.Len() != 0 || w.Header().Get("X-Amz-Executed-Version") != "" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if len(fake.invoked) != 0 || len(a.got) != 1 {
		t.Fatalf("invoked %v, accepted %v", fake.invoked, a.got)
	}
	got := a.got[0]
	if got.Function != "counter" || got.Tenant != "alice" || string(got.Payload) != `{"n":1}` || got.ID != w.Header().Get("X-Amzn-Requestid") {
		t.Errorf("%+v", got)
	}
}

func TestAnEventThatIsNotAccepted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		body   string
		err    error
		status int
		answer string
	}{
		{"refused", "{}", &function.Refusal{Type: function.InvalidParameterValue, Message: "no tenant"}, 400, `{"Type":"User","message":"no tenant"}`},
		{"not written", "{}", errors.New("no space left on device"), 500, `{"Type":"Service","Message":"` + ownFault + `"}`},
		{"a megabyte", `"` + strings.Repeat("x", 1<<20-2) + `"`, nil, 202, ""},
		{"a megabyte and a byte", `"` + strings.Repeat("x", 1<<20-1) + `"`, nil, 413,
			`{"message":"1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"}`},
	} {
		w := do(New(&fakeInvoker{}, registry(), Config{Async: &accepter{err: tt.err}}), post(counterPath, tt.body, event))
		if w.Code != tt.status || w.Body.String() != tt.answer {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.answer)
		}
	}
}

func sdk(t *testing.T, cfg Config) *lambda.Client {
	t.Helper()
	server := httptest.NewServer(New(&fakeInvoker{}, registry(), cfg))
	t.Cleanup(server.Close)
	return lambda.New(lambda.Options{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

func TestSDKEvent(t *testing.T) {
	a := &accepter{}
	out, err := sdk(t, Config{Async: a}).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("counter"), InvocationType: types.InvocationTypeEvent, TenantId: aws.String("alice"), Payload: []byte("1"),
	})
	if err != nil || out.StatusCode != 202 || len(out.Payload) != 0 || out.ExecutedVersion != nil || len(a.got) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// The life of a configuration, through AWS's SDK.
// Source: AWS Lambda API reference, FunctionEventInvokeConfig.
func TestSDKEventInvokeConfig(t *testing.T) {
	configs := function.NewEventInvokeConfigs()
	api := sdk(t, Config{EventInvoke: configs})
	name, arn := aws.String("counter"), "arn:aws:lambda:us-east-1:123456789012:function:counter:$LATEST"
	queue := aws.String("arn:aws:sqs:us-east-1:123456789012:failed")

	_, err := api.GetFunctionEventInvokeConfig(t.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name})
	if missing, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || missing.ErrorMessage() != "The function "+arn+" doesn't have an EventInvokeConfig" {
		t.Errorf("before: %v", err)
	}
	put, err := api.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: name, MaximumRetryAttempts: aws.Int32(0), DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: queue}},
	})
	if err != nil || aws.ToString(put.FunctionArn) != arn || aws.ToInt32(put.MaximumRetryAttempts) != 0 || put.MaximumRetryAttempts == nil ||
		put.MaximumEventAgeInSeconds != nil || put.LastModified == nil || aws.ToString(put.DestinationConfig.OnFailure.Destination) != *queue ||
		put.DestinationConfig.OnSuccess == nil || put.DestinationConfig.OnSuccess.Destination != nil {
		t.Errorf("put: %+v, %v", put, err)
	}
	if _, err := api.UpdateFunctionEventInvokeConfig(t.Context(), &lambda.UpdateFunctionEventInvokeConfigInput{
		FunctionName: name, MaximumEventAgeInSeconds: aws.Int32(60)}); err != nil {
		t.Fatal(err)
	}
	got, err := api.GetFunctionEventInvokeConfig(t.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: aws.String("$LATEST")})
	if err != nil || aws.ToInt32(got.MaximumEventAgeInSeconds) != 60 || aws.ToString(got.DestinationConfig.OnFailure.Destination) != *queue {
		t.Errorf("get: %+v, %v", got, err)
	}
	list, err := api.ListFunctionEventInvokeConfigs(t.Context(), &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: name})
	if err != nil || len(list.FunctionEventInvokeConfigs) != 1 || aws.ToString(list.FunctionEventInvokeConfigs[0].FunctionArn) != arn {
		t.Errorf("list: %+v, %v", list, err)
	}
	if cfg, _ := configs.Get("counter", ""); cfg.Retries() != 0 || cfg.EventAge().Seconds() != 60 || cfg.OnFailure != *queue {
		t.Errorf("the function is set to %+v", cfg)
	}
	if _, err := api.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumRetryAttempts: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	if cfg, _ := configs.Get("counter", ""); cfg.Retries() != 1 || cfg.MaximumEventAge != 0 || cfg.OnFailure != "" {
		t.Errorf("a second put has left %+v", cfg)
	}
	if _, err := api.DeleteFunctionEventInvokeConfig(t.Context(), &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
	if _, err := api.DeleteFunctionEventInvokeConfig(t.Context(), &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: name}); err == nil {
		t.Error("deleted twice")
	}
}

// Source: AWS Lambda API reference, PutFunctionEventInvokeConfig; the words are
// those that were recorded from AWS.
func TestEventInvokeConfigsThatAreRefused(t *testing.T) {
	const self = "arn:aws:lambda:us-east-1:123456789012:function:counter"
	for _, tt := range []struct{ name, body, kind, message string }{
		{"nothing", `{}`, function.InvalidParameterValue, "You must specify at least one of error handling or destination setting."},
		{"not JSON", `{`, function.InvalidRequestContent, "Could not parse request body into json: unexpected end of JSON input"},
		{"three retries", `{"MaximumRetryAttempts":3}`, function.Validation,
			"1 validation error detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2"},
		{"too young and too often", `{"MaximumRetryAttempts":-1,"MaximumEventAgeInSeconds":59}`, function.Validation,
			"2 validation errors detected: Value '-1' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value greater than or equal to 0; " +
				"Value '59' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60"},
		{"itself", `{"DestinationConfig":{"OnSuccess":{"Destination":"` + self + `"}}}`, function.InvalidParameterValue,
			"You can't specify the function as a destination for itself."},
		{"a version of itself", `{"DestinationConfig":{"OnFailure":{"Destination":"` + self + `:1"}}}`, function.InvalidParameterValue,
			"You can't specify the function as a destination for itself."},
		{"no ARN", `{"DestinationConfig":{"OnFailure":{"Destination":"failed"}}}`, function.InvalidParameterValue, "The destination ARN failed is invalid."},
		{"a FIFO queue", `{"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:us-east-1:123456789012:q.fifo"}}}`, function.InvalidParameterValue,
			"The destination ARN arn:aws:sqs:us-east-1:123456789012:q.fifo is invalid."},
		{"a bucket for successes", `{"DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:s3:::b"}}}`, function.InvalidParameterValue,
			"The destination ARN arn:aws:s3:::b is invalid."},
	} {
		r := post("/2019-09-25/functions/counter/event-invoke-config", tt.body, nil)
		r.Method = http.MethodPut
		w := do(New(&fakeInvoker{}, registry(), Config{}), r)
		if w.Header().Get("X-Amzn-Errortype") != tt.kind || !strings.Contains(w.Body.String(), quote(tt.message)) {
			t.Errorf("%s: %s %s\nwant %s %s", tt.name, w.Header().Get("X-Amzn-Errortype"), w.Body, tt.kind, tt.message)
		}
	}
	_, err := sdk(t, Config{}).UpdateFunctionEventInvokeConfig(t.Context(), &lambda.UpdateFunctionEventInvokeConfigInput{
		FunctionName: aws.String("counter"), MaximumRetryAttempts: aws.Int32(1)})
	if fault, ok := errors.AsType[smithy.APIError](err); !ok || fault.ErrorCode() != function.ResourceNotFound {
		t.Errorf("an update of nothing: %v", err)
	}
}
