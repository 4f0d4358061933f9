package service

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/berthdev/berth/internal/eventsource"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/queue"
)

const orders = "arn:aws:sqs:us-east-1:123456789012:orders"

// oneQueue has orders, and nothing else.
type oneQueue struct{}

func (oneQueue) Settings(arn string) (queue.Settings, bool) {
	return queue.Defaults("orders"), arn == orders
}

func withSources() Config {
	return Config{Sources: eventsource.NewSources(nil, nil, eventsource.Config{}), Queues: oneQueue{}}
}

// The life of a mapping, through AWS's SDK.
// Source: AWS Lambda API reference, EventSourceMappingConfiguration; states and
// words are those that were recorded from AWS.
func TestSDKEventSourceMapping(t *testing.T) {
	api := sdk(t, withSources())
	made, err := api.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("plain"), EventSourceArn: aws.String(orders), FunctionResponseTypes: []types.FunctionResponseType{"ReportBatchItemFailures"},
		ScalingConfig: &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)},
	})
	if err != nil || aws.ToString(made.State) != "Creating" || aws.ToString(made.StateTransitionReason) != "USER_INITIATED" || aws.ToInt32(made.BatchSize) != 10 ||
		aws.ToString(made.FunctionArn) != "arn:aws:lambda:us-east-1:123456789012:function:plain" || aws.ToInt32(made.ScalingConfig.MaximumConcurrency) != 2 ||
		aws.ToString(made.EventSourceMappingArn) != "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:"+aws.ToString(made.UUID) || made.LastModified == nil {
		t.Fatalf("made %+v, %v", made, err)
	}
	_, err = api.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{FunctionName: aws.String("plain"), EventSourceArn: aws.String(orders)})
	if conflict, ok := errors.AsType[*types.ResourceConflictException](err); !ok || conflict.ErrorMessage() != `An event source mapping with SQS arn (" `+orders+
		` ") and function (" plain ") already exists. Please update or delete the existing mapping with UUID `+*made.UUID {
		t.Errorf("made twice: %v", err)
	}
	got, err := api.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: made.UUID})
	if err != nil || aws.ToString(got.State) != "Enabled" || len(got.FunctionResponseTypes) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	changed, err := api.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: aws.Bool(false), BatchSize: aws.Int32(5)})
	if err != nil || aws.ToString(changed.State) != "Updating" || aws.ToInt32(changed.BatchSize) != 5 || len(changed.FunctionResponseTypes) != 1 {
		t.Errorf("changed %+v, %v", changed, err)
	}
	for _, in := range []*lambda.ListEventSourceMappingsInput{{}, {FunctionName: aws.String("plain")}, {EventSourceArn: aws.String(orders)}} {
		list, err := api.ListEventSourceMappings(t.Context(), in)
		if err != nil || len(list.EventSourceMappings) != 1 || aws.ToString(list.EventSourceMappings[0].State) != "Disabled" {
			t.Errorf("listed %+v, %v", list, err)
		}
	}
	if list, err := api.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("counter")}); err != nil || len(list.EventSourceMappings) != 0 {
		t.Errorf("listed for another function: %+v, %v", list, err)
	}
	gone, err := api.DeleteEventSourceMapping(t.Context(), &lambda.DeleteEventSourceMappingInput{UUID: made.UUID})
	if err != nil || aws.ToString(gone.State) != "Deleting" {
		t.Errorf("deleted %+v, %v", gone, err)
	}
	_, err = api.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: made.UUID})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("after its end: %v", err)
	}
}

// Source: AWS Lambda API reference, CreateEventSourceMapping; AWS Lambda developer
// guide, tenant-isolation.
func TestMappingsThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, body, kind, part string }{
		{"a function with tenant isolation", `{"FunctionName":"counter","EventSourceArn":"` + orders + `"}`, function.InvalidParameterValue, "tenancy configuration"},
		{"no function", `{"EventSourceArn":"` + orders + `"}`, function.Validation, "Value null at 'functionName'"},
		{"an unknown function", `{"FunctionName":"nobody","EventSourceArn":"` + orders + `"}`, function.ResourceNotFound, "Function not found"},
		{"an unknown queue", `{"FunctionName":"plain","EventSourceArn":"` + orders + `s"}`, function.InvalidParameterValue, "AWS.SimpleQueueService.NonExistentQueue"},
		{"a stream", `{"FunctionName":"plain","EventSourceArn":"arn:aws:kinesis:us-east-1:123456789012:stream/s"}`, unsupportedOperation, "queues as event sources only"},
		{"a filter", `{"FunctionName":"plain","EventSourceArn":"` + orders + `","FilterCriteria":{"Filters":[{}]}}`, unsupportedOperation, "filter"},
		{"no batch", `{"FunctionName":"plain","EventSourceArn":"` + orders + `","BatchSize":0}`, function.Validation, "Value '0' at 'batchSize'"},
		{"a large batch without a window", `{"FunctionName":"plain","EventSourceArn":"` + orders + `","BatchSize":11}`, function.InvalidParameterValue, "greater than 10"},
		{"another report", `{"FunctionName":"plain","EventSourceArn":"` + orders + `","FunctionResponseTypes":["All"]}`, function.Validation, "ReportBatchItemFailures"},
		{"not JSON", `{`, function.InvalidRequestContent, "Could not parse"},
	} {
		w := do(New(&fakeInvoker{}, registry(), withSources()), post("/2015-03-31/event-source-mappings", tt.body, nil))
		if w.Header().Get("X-Amzn-Errortype") != tt.kind || !strings.Contains(w.Body.String(), tt.part) || w.Code < http.StatusBadRequest {
			t.Errorf("%s: %s %s\nwant %s … %s …", tt.name, w.Header().Get("X-Amzn-Errortype"), w.Body, tt.kind, tt.part)
		}
	}
	_, err := sdk(t, withSources()).UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: aws.String("x")})
	if fault, ok := errors.AsType[smithy.APIError](err); !ok || fault.ErrorCode() != function.ResourceNotFound {
		t.Errorf("an update of nothing: %v", err)
	}
}
