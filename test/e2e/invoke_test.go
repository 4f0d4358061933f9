package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// The answers are Lambda's own. Source: AWS Lambda developer guide,
// lambda-runtime-environment; AWS Lambda API reference, Invoke.
func TestFunctionsThatFail(t *testing.T) {
	b := up(t, "testdata/misbehave")
	c := client(b)
	for _, tt := range []struct {
		name, function, event string
		payload               string // REQUEST stands for the request ID
		log                   string
	}{
		{"an error", "Misbehave", `{"do":"error"}`, `"errorMessage":"no such order"`, "REPORT RequestId: REQUEST"},
		{"a panic", "Misbehave", `{"do":"panic"}`, `"errorMessage":"a handler's panic"`, "main.handle"},
		{"exit 0", "Misbehave", `{"do":"exit"}`,
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: REQUEST Error: Runtime exited without providing a reason"}`, "Status: error\tError Type: Runtime.ExitError"},
		{"exit 3", "Misbehave", `{"do":"exit","size":3}`,
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: REQUEST Error: Runtime exited with error: exit status 3"}`, "Status: error\tError Type: Runtime.ExitError"},
		{"a timeout", "Misbehave", `{"do":"hang"}`,
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: REQUEST Error: Task timed out after 1.00 seconds"}`, "Status: timeout"},
		{"an answer that is too large", "Misbehave", `{"do":"answer","size":6291556}`,
			`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`, "REPORT RequestId: REQUEST"},
		{"an init that fails", "Broken", `{}`,
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: REQUEST Error: Runtime exited with error: exit status 7"}`, "Status: error\tError Type: Runtime.ExitError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := c.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &tt.function, Payload: []byte(tt.event), LogType: types.LogTypeTail})
			if err != nil {
				t.Fatal(err)
			}
			id, ok := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
			if !ok {
				t.Fatal("the answer has no request ID")
			}
			if got := strings.ReplaceAll(string(out.Payload), id, "REQUEST"); !strings.Contains(got, tt.payload) || aws.ToString(out.FunctionError) != "Unhandled" {
				t.Errorf("answer %s (%s), want %s", got, aws.ToString(out.FunctionError), tt.payload)
			}
			log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(string(log), id, "REQUEST"); !strings.Contains(got, tt.log) {
				t.Errorf("log:\n%s\nwant %q in it", got, tt.log)
			}
			if tt.function == "Misbehave" {
				next, err := c.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &tt.function, Payload: []byte(`{"do":"answer","size":2}`)})
				if err != nil || string(next.Payload) != `"xx"` {
					t.Errorf("the next invocation: %s, %v", next.Payload, err)
				}
			}
		})
	}
}

func TestLogTail(t *testing.T) {
	b := up(t, "testdata/misbehave")
	out, err := client(b).Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("Misbehave"),
		Payload: []byte(`{"do":"print"}`), LogType: types.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(log), "\n"), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "START RequestId: ") || lines[1] != "a line" ||
		!strings.HasPrefix(lines[2], "END RequestId: ") || !strings.HasPrefix(lines[3], "REPORT RequestId: ") {
		t.Errorf("log:\n%s", log)
	}
}

// Source: AWS Lambda API reference, Invoke; AWS Lambda developer guide,
// tenant-isolation-invoke.
func TestInvokeRefuses(t *testing.T) {
	b := up(t, "testdata/misbehave")
	c := client(b)
	for _, tt := range []struct {
		name    string
		input   awslambda.InvokeInput
		code    string
		message string
	}{
		{"no tenant on an isolated function", awslambda.InvokeInput{FunctionName: aws.String("Isolated")}, "InvalidParameterValueException",
			"The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."},
		{"a tenant on an ordinary function", awslambda.InvokeInput{FunctionName: aws.String("Misbehave"), TenantId: aws.String("alice")}, "InvalidParameterValueException", "tenancy configuration"},
		{"257 characters", awslambda.InvokeInput{FunctionName: aws.String("Isolated"), TenantId: aws.String(strings.Repeat("a", 257))}, "ValidationException", "Member must have length less than or equal to 256"},
		{"a character outside the pattern", awslambda.InvokeInput{FunctionName: aws.String("Isolated"), TenantId: aws.String("a#b")}, "ValidationException",
			`1 validation error detected: Value 'a#b' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\._:\/=+\-@ ]+`},
		{"no such function", awslambda.InvokeInput{FunctionName: aws.String("Nobody")}, "ResourceNotFoundException",
			"Function not found: arn:aws:lambda:us-east-1:123456789012:function:Nobody"},
		{"no JSON", awslambda.InvokeInput{FunctionName: aws.String("Misbehave"), Payload: []byte("{")}, "InvalidRequestContentException", "Could not parse request body into json"},
		{"6 MB and a byte", awslambda.InvokeInput{FunctionName: aws.String("Misbehave"), Payload: append(append([]byte{'"'}, bytes.Repeat([]byte("x"), 6291455)...), '"')},
			"RequestEntityTooLargeException", "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"},
	} {
		_, err := c.Invoke(t.Context(), &tt.input)
		var refusal smithy.APIError
		if !errors.As(err, &refusal) || refusal.ErrorCode() != tt.code || !strings.Contains(refusal.ErrorMessage(), tt.message) {
			t.Errorf("%s: %v\nwant %s: %s", tt.name, err, tt.code, tt.message)
		}
	}
	if all := b.environments(); len(all) != 0 {
		t.Errorf("refused invocations started environments: %+v", all)
	}
	out, err := c.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("Isolated"), TenantId: aws.String("alice"), InvocationType: types.InvocationTypeDryRun})
	if err != nil || out.StatusCode != http.StatusNoContent {
		t.Errorf("a dry run: %+v, %v", out, err)
	}
}

// The function sees Lambda's variables and its own, and none of the host's.
func TestNothingOfTheHostsEnvironmentGetsIn(t *testing.T) {
	t.Setenv("BERTH_TEST_SECRET", "the host's")
	b := up(t, "testdata/misbehave")
	out, err := client(b).Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("Isolated"), TenantId: aws.String("alice"),
		Payload: []byte(`{"do":"environment"}`)})
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if err := json.Unmarshal(out.Payload, &text); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, pair := range strings.Split(text, "\n") {
		k, v, _ := strings.Cut(pair, "=")
		env[k] = v
	}
	for k, want := range map[string]string{
		"GREETING": "hello", "AWS_LAMBDA_FUNCTION_NAME": "Isolated", "AWS_REGION": "us-east-1", "TZ": ":UTC", "_HANDLER": "bootstrap",
		"BERTH_TEST_SECRET": "", "HOME": "", "USER": "",
	} {
		if env[k] != want {
			t.Errorf("%s is %q, want %q", k, env[k], want)
		}
	}
	if b.ready.Isolation == "namespace" && env["AWS_LAMBDA_RUNTIME_API"] != "127.0.0.1:9001" {
		t.Errorf("AWS_LAMBDA_RUNTIME_API is %q", env["AWS_LAMBDA_RUNTIME_API"])
	}
}
