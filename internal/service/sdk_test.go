package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
)

// client is AWS's own SDK, pointed at a server of ours.
func client(t *testing.T, invoker Invoker) *lambda.Client {
	t.Helper()
	return lambda.New(lambda.Options{
		BaseEndpoint:     aws.String(serve(t, invoker).URL),
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1,
	})
}

func TestSDKInvoke(t *testing.T) {
	fake := &fakeInvoker{}
	api := client(t, fake)
	for _, name := range []string{
		"counter", "counter:$LATEST", "123456789012:function:counter",
		"arn:aws:lambda:us-east-1:123456789012:function:counter:$LATEST",
	} {
		fake.invoked = nil
		out, err := api.Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: &name, TenantId: aws.String("acme eu/west"), Payload: []byte(`{"n":1}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		if out.StatusCode != 200 || string(out.Payload) != `{"n":1}` || aws.ToString(out.ExecutedVersion) != "$LATEST" || out.FunctionError != nil {
			t.Errorf("%s: %+v", name, out)
		}
		if got := fake.invoked[0]; got.Function != name || got.Tenant != "acme eu/west" {
			t.Errorf("%s reached the invoker as %+v", name, got)
		}
	}
}

func TestSDKTailAndFunctionError(t *testing.T) {
	api := client(t, &fakeInvoker{response: &invocation.Response{
		ExecutedVersion: "$LATEST", FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"no"}`), LogTail: []byte("START\n"),
	}})
	out, err := api.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("counter"), Qualifier: aws.String("$LATEST"), LogType: types.LogTypeTail,
	})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.FunctionError) != "Unhandled" || aws.ToString(out.LogResult) != "U1RBUlQK" || string(out.Payload) != `{"errorMessage":"no"}` {
		t.Errorf("%+v", out)
	}
}

func TestSDKDryRun(t *testing.T) {
	fake := &fakeInvoker{}
	out, err := client(t, fake).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("counter"), InvocationType: types.InvocationTypeDryRun,
	})
	if err != nil || out.StatusCode != 204 || len(fake.checked) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// A refusal arrives as the SDK's own error type, message and all.
func TestSDKErrors(t *testing.T) {
	tests := []struct {
		refusal function.Refusal
		isTyped func(error) bool
	}{
		{function.Refusal{Type: function.ResourceNotFound, Message: "Function not found: x"}, isTyped[*types.ResourceNotFoundException]},
		{function.Refusal{Type: function.InvalidParameterValue, Message: "The invoked function …"}, isTyped[*types.InvalidParameterValueException]},
		{function.Refusal{Type: function.InvalidRequestContent, Message: "no JSON"}, isTyped[*types.InvalidRequestContentException]},
		{function.Refusal{Type: function.TooManyRequests, Message: "Rate exceeded", Reason: "ConcurrentInvocationLimitExceeded"}, func(err error) bool {
			typed, ok := errors.AsType[*types.TooManyRequestsException](err)
			return ok && typed.Reason == types.ThrottleReasonConcurrentInvocationLimitExceeded
		}},
		{function.Refusal{Type: function.ServiceFailure, Message: "no"}, isTyped[*types.ServiceException]},
		{function.Refusal{Type: "ResourceConflictException", Message: "no"}, isTyped[*types.ResourceConflictException]},
		// AWS's model has no such types, so neither has the SDK.
		{function.Refusal{Type: function.Validation, Message: "1 validation error detected: …"}, isTyped[*smithy.GenericAPIError]},
		{function.Refusal{Type: function.RequestTooLarge, Message: "too large"}, isTyped[*smithy.GenericAPIError]},
	}
	for _, tt := range tests {
		t.Run(tt.refusal.Type, func(t *testing.T) {
			_, err := client(t, &fakeInvoker{err: &tt.refusal}).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("counter")})
			api, ok := errors.AsType[smithy.APIError](err)
			if !ok || api.ErrorCode() != tt.refusal.Type || api.ErrorMessage() != tt.refusal.Message || !tt.isTyped(err) {
				t.Errorf("%T %v", err, err)
			}
		})
	}
}

func isTyped[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// The shapes are those of AWS's model, for every type that is in it.
func TestShapesAreTheModels(t *testing.T) {
	notInModel := []string{function.RequestTooLarge, function.Validation, "AccessDeniedException", unknownOperation, unsupportedOperation}
	for name, form := range shapes {
		entry := lambda.TypeRegistry.Entries["com.amazonaws.lambda#"+name]
		if entry == nil {
			if !strings.Contains(fmt.Sprint(notInModel), name) {
				t.Errorf("%s is not in the model", name)
			}
			continue
		}
		status, _ := smithy.SchemaTrait[*traits.HTTPError](entry.Schema)
		if status == nil || status.Code != form.status {
			t.Errorf("%s has status %d, want %+v", name, form.status, status)
		}
		if entry.Schema.Member(form.message) == nil {
			t.Errorf("%s has no member %s", name, form.message)
		}
		if form.fault != "" && entry.Schema.Member("Type") == nil {
			t.Errorf("%s has no member Type", name)
		}
	}
}

// Whatever the SDK can ask for is known by its name: the operation is carried out,
// or the refusal names it.
func TestEveryOperationIsKnown(t *testing.T) {
	api := reflect.ValueOf(client(t, &fakeInvoker{}))
	served := map[string]bool{"Invoke": true, "InvokeWithResponseStream": true, "ListFunctions": true, "GetFunction": true, "GetFunctionConfiguration": true,
		"PutFunctionEventInvokeConfig": true, "UpdateFunctionEventInvokeConfig": true, "GetFunctionEventInvokeConfig": true,
		"DeleteFunctionEventInvokeConfig": true, "ListFunctionEventInvokeConfigs": true}
	for i := range api.NumMethod() {
		name := api.Type().Method(i).Name
		method := api.Method(i)
		if method.Type().NumIn() != 3 || name == "Options" {
			continue
		}
		input := reflect.New(method.Type().In(1).Elem())
		fill(input.Elem())
		err, _ := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), input})[1].Interface().(error)
		failure, isAPI := errors.AsType[smithy.APIError](err)
		switch {
		case served[name]:
			delete(served, name)
			if isAPI && failure.ErrorCode() == unsupportedOperation {
				t.Errorf("%s: %v", name, err)
			}
		case !isAPI:
			t.Errorf("%s was not answered: %v", name, err)
		case failure.ErrorCode() != unsupportedOperation || !strings.HasSuffix(failure.ErrorMessage(), "operation "+name+" yet"):
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(served) != 0 {
		t.Errorf("the SDK lacks %v", served)
	}
}

// fill gives every field of an input some value, so that none that is required is
// missing.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Interface:
		if body := reflect.ValueOf(strings.NewReader("{}")); body.Type().Implements(v.Type()) {
			v.Set(body)
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Int32, reflect.Int64:
		v.SetInt(1)
	}
}

// The AWS CLI's list-functions and get-function see what they need.
func TestSDKFunctions(t *testing.T) {
	api := client(t, &fakeInvoker{})
	pages := lambda.NewListFunctionsPaginator(api, &lambda.ListFunctionsInput{MaxItems: aws.Int32(1)})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Functions {
			names = append(names, aws.ToString(f.FunctionArn))
		}
	}
	if got := fmt.Sprint(names); got != "[arn:aws:lambda:us-east-1:123456789012:function:counter arn:aws:lambda:us-east-1:123456789012:function:plain]" {
		t.Errorf("listed %s", got)
	}

	found, err := api.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("counter"), Qualifier: aws.String("$LATEST")})
	if err != nil {
		t.Fatal(err)
	}
	c := found.Configuration
	if aws.ToString(c.FunctionArn) != "arn:aws:lambda:us-east-1:123456789012:function:counter:$LATEST" ||
		c.TenancyConfig == nil || c.TenancyConfig.TenantIsolationMode != types.TenantIsolationModePerTenant ||
		c.Environment.Variables["TABLE"] != "a<b" || aws.ToInt32(c.Timeout) != 3 || aws.ToInt32(c.MemorySize) != 128 ||
		c.LoggingConfig.LogFormat != types.LogFormatJson || aws.ToString(c.LoggingConfig.LogGroup) != "/aws/lambda/counter" ||
		c.State != types.StateActive || c.Runtime != types.RuntimeProvidedal2023 {
		t.Errorf("%+v", c)
	}

	plain, err := api.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("plain")})
	if err != nil || plain.TenancyConfig != nil || plain.Environment != nil || plain.LoggingConfig.LogFormat != types.LogFormatText {
		t.Errorf("%+v, %v", plain, err)
	}
	_, err = api.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("nobody")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("no function: %v", err)
	}
}

// Tools wait for a function to be active before they call it.
func TestSDKWaiter(t *testing.T) {
	waiter := lambda.NewFunctionActiveV2Waiter(client(t, &fakeInvoker{}))
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("plain")}, time.Second); err != nil {
		t.Error(err)
	}
}

// A caller who leaves ends the invocation's context.
func TestCallerLeaves(t *testing.T) {
	started, ended := make(chan struct{}), make(chan error, 1)
	api := client(t, invokerFunc(func(ctx context.Context, _ invocation.Request) (*invocation.Response, error) {
		close(started)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}))
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-started
		leave()
	}()
	if _, err := api.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("counter")}); err == nil {
		t.Error("answered")
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type invokerFunc func(context.Context, invocation.Request) (*invocation.Response, error)

func (f invokerFunc) Invoke(ctx context.Context, r invocation.Request) (*invocation.Response, error) {
	return f(ctx, r)
}
func (f invokerFunc) Check(context.Context, invocation.Request) error { return nil }

var _ http.Handler = (*Service)(nil)
