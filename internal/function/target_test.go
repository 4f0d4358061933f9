package function

import (
	"errors"
	"testing"
)

// Source: AWS Lambda API reference, PutFunctionEventInvokeConfig.
func TestParseTarget(t *testing.T) {
	for _, tt := range []struct {
		arn  string
		kind TargetKind // "" if it is no target
		name string
	}{
		{"arn:aws:lambda:us-east-1:123456789012:function:f", TargetFunction, "function:f"},
		{"arn:aws:lambda:us-east-1:123456789012:function:f:prod", TargetFunction, "function:f:prod"},
		{"arn:aws:sqs:us-east-1:123456789012:failed", TargetQueue, "failed"},
		{"arn:aws-cn:sns:cn-north-1:123456789012:topic", TargetTopic, "topic"},
		{"arn:aws:events:us-east-1:123456789012:event-bus/default", TargetEventBus, "event-bus/default"},
		{"arn:aws:s3:::bucket", TargetBucket, "bucket"},
		{"arn:aws:sqs:us-east-1:123456789012:failed.fifo", "", ""},
		{"arn:aws:sns:us-east-1:123456789012:topic.fifo", "", ""},
		{"arn:aws:sqs:us-east-1:123456789012:a:b", "", ""},
		{"arn:aws:sqs:us-east-1::failed", "", ""},
		{"arn:aws:lambda:us-east-1:123456789012:layer:l", "", ""},
		{"arn:aws:events:us-east-1:123456789012:rule/r", "", ""},
		{"arn:aws:s3:::bucket/key", "", ""},
		{"arn:aws:dynamodb:us-east-1:123456789012:table/t", "", ""},
		{"failed", "", ""},
		{"", "", ""},
	} {
		kind, name, err := ParseTarget(tt.arn)
		if kind != tt.kind || name != tt.name || (err != nil) != (tt.kind == "") || err != nil && !errors.Is(err, ErrTarget) {
			t.Errorf("%s: %q, %q, %v", tt.arn, kind, name, err)
		}
	}
}
