package destination

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/function"
)

// AWS sends messages to whatever answers as AWS at one endpoint.
type AWS struct {
	endpoint string
	sqs      *sqs.Client
	sns      *sns.Client
	events   *eventbridge.Client
	s3       *s3.Client
}

// NewAWS returns a sender to the endpoint that cfg has as its BaseEndpoint.
// Without one it is AWS itself.
func NewAWS(cfg aws.Config) *AWS {
	return &AWS{
		endpoint: aws.ToString(cfg.BaseEndpoint),
		sqs:      sqs.NewFromConfig(cfg),
		sns:      sns.NewFromConfig(cfg),
		events:   eventbridge.NewFromConfig(cfg),
		// A bucket has no host name of its own at an endpoint that is an address.
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil }),
	}
}

// sendTimeout bounds one attempt, the SDK's own retries included.
const sendTimeout = 30 * time.Second

// Send sends m. What AWS answers with a fault of the sender's is a *[RefusedError].
func (a *AWS) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	kind, name, err := function.ParseTarget(m.Target)
	if err != nil {
		return &RefusedError{Target: m.Target, Reason: "unknown target", Err: err}
	}
	switch kind {
	case function.TargetQueue:
		err = a.sendToQueue(ctx, m, name)
	case function.TargetTopic:
		err = a.publish(ctx, m)
	case function.TargetEventBus:
		err = a.putEvent(ctx, m)
	case function.TargetBucket:
		err = a.putObject(ctx, m, name)
	default:
		return &RefusedError{Target: m.Target, Reason: "functions are invoked on this machine only"}
	}
	if err == nil {
		return nil
	}
	if fault := smithy.APIError(nil); errors.As(err, &fault) && fault.ErrorFault() == smithy.FaultClient && !throttled(fault) {
		return &RefusedError{Target: m.Target, Reason: fault.ErrorCode(), Err: err}
	}
	return fmt.Errorf("send to %s: %w", m.Target, err)
}

// throttled reports whether a client's fault is only that it came too often.
func throttled(fault smithy.APIError) bool {
	return strings.Contains(fault.ErrorCode(), "Throttl") || strings.HasPrefix(fault.ErrorCode(), "TooManyRequests") ||
		fault.ErrorCode() == "RequestThrottled" || fault.ErrorCode() == "SlowDown"
}

func (a *AWS) sendToQueue(ctx context.Context, m Message, name string) error {
	parts := strings.Split(m.Target, ":")
	base := a.endpoint
	if base == "" {
		base = "https://sqs." + parts[3] + ".amazonaws.com"
	}
	queueURL, err := url.JoinPath(base, parts[4], name)
	if err != nil {
		return fmt.Errorf("make the URL of queue %s: %w", name, err)
	}
	in := &sqs.SendMessageInput{
		QueueUrl:          &queueURL,
		MessageBody:       aws.String(string(m.Body)),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{},
	}
	for _, attr := range m.Attributes {
		in.MessageAttributes[attr.Name] = sqstypes.MessageAttributeValue{DataType: &attr.Type, StringValue: &attr.Text}
	}
	if m.TraceID != "" {
		in.MessageSystemAttributes = map[string]sqstypes.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &m.TraceID},
		}
	}
	_, err = a.sqs.SendMessage(ctx, in)
	return err
}

func (a *AWS) publish(ctx context.Context, m Message) error {
	in := &sns.PublishInput{
		TopicArn:          &m.Target,
		Message:           aws.String(string(m.Body)),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{},
	}
	for _, attr := range m.Attributes {
		in.MessageAttributes[attr.Name] = snstypes.MessageAttributeValue{DataType: &attr.Type, StringValue: &attr.Text}
	}
	_, err := a.sns.Publish(ctx, in)
	return err
}

// putEvent sends a record to an event bus.
// Source: AWS Lambda developer guide, invocation-async-retain-records.
func (a *AWS) putEvent(ctx context.Context, m Message) error {
	result := "Failure"
	if m.Success {
		result = "Success"
	}
	in := &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
		EventBusName: &m.Target,
		Source:       aws.String("lambda"),
		DetailType:   aws.String("Lambda Function Invocation Result - " + result),
		Detail:       aws.String(string(m.Body)),
		Resources:    []string{m.Target, m.Function},
		Time:         &m.Time,
	}}}
	if m.TraceID != "" {
		in.Entries[0].TraceHeader = &m.TraceID
	}
	out, err := a.events.PutEvents(ctx, in)
	if err != nil {
		return err
	}
	for _, entry := range out.Entries {
		if entry.ErrorCode != nil {
			return fmt.Errorf("event bus: %s: %s", *entry.ErrorCode, aws.ToString(entry.ErrorMessage))
		}
	}
	return nil
}

func (a *AWS) putObject(ctx context.Context, m Message, bucket string) error {
	in := &s3.PutObjectInput{
		Bucket:      &bucket,
		Key:         aws.String(objectKey(m, uuid.NewString())),
		Body:        bytes.NewReader(m.Body),
		ContentType: aws.String("application/json"),
	}
	if m.Tenant != "" {
		in.Metadata = map[string]string{"tenant-id": string(m.Tenant)}
	}
	_, err := a.s3.PutObject(ctx, in)
	return err
}

// objectKey names a record in a bucket.
// Source: AWS Lambda developer guide, invocation-async-retain-records.
func objectKey(m Message, id string) string {
	t := m.Time.UTC()
	return fmt.Sprintf("aws/lambda/async/%s/%s/%s-%s", nameOf(m.Function), t.Format("2006/01/02"), t.Format("2006-01-02T15.04.05"), id)
}

// nameOf is the name in a function's ARN.
func nameOf(arn string) string {
	_, rest, _ := strings.Cut(arn, ":function:")
	name, _, _ := strings.Cut(rest, ":")
	return name
}

// TenantAttribute is the message attribute in which a tenant ID travels: Berth's
// own, beside those of Lambda.
const TenantAttribute = "TenantId"
