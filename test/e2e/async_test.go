package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queues is AWS's own client for queues, pointed at a running berth.
func queues(b *berth) *sqs.Client {
	return sqs.New(sqs.Options{
		BaseEndpoint: aws.String(b.service), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

// take waits for n messages of a queue and deletes them.
func take(t *testing.T, b *berth, name string, n int) []sqstypes.Message {
	t.Helper()
	c := queues(b)
	url := aws.String(b.service + "/123456789012/" + name)
	var all []sqstypes.Message
	for end := time.Now().Add(time.Minute); len(all) < n && time.Now().Before(end); {
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5,
			MessageAttributeNames: []string{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if _, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, out.Messages...)
	}
	if len(all) != n {
		t.Fatalf("%d messages in %s, want %d", len(all), name, n)
	}
	return all
}

// record is what a destination gets.
type record struct {
	RequestContext struct {
		RequestID   string `json:"requestId"`
		FunctionARN string `json:"functionArn"`
		Condition   string
		Invoked     int    `json:"approximateInvokeCount"`
		Tenant      string `json:"tenantId"`
	} `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponsePayload struct {
		Tenant  string
		Message string `json:"errorMessage"`
	} `json:"responsePayload"`
}

func recordOf(t *testing.T, m sqstypes.Message) record {
	t.Helper()
	var r record
	if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &r); err != nil {
		t.Fatalf("%v in %s", err, aws.ToString(m.Body))
	}
	return r
}

func send(t *testing.T, b *berth, function, tenant, event string) {
	t.Helper()
	in := &awslambda.InvokeInput{FunctionName: &function, InvocationType: types.InvocationTypeEvent, Payload: []byte(event)}
	if tenant != "" {
		in.TenantId = &tenant
	}
	out, err := client(b).Invoke(t.Context(), in)
	if err != nil || out.StatusCode != 202 {
		t.Fatalf("%+v, %v", out, err)
	}
}

// The tenant goes with the event through retries, destinations and the
// dead-letter queue.
// Source: AWS Lambda developer guide, invocation-async-error-handling and
// invocation-async-retain-records.
func TestAsynchronousEvents(t *testing.T) {
	b := up(t, "testdata/async", "--async-retry-delay", "20ms")
	for _, tenant := range []string{"alice", "bob"} {
		send(t, b, "tenants", tenant, `{}`)
		send(t, b, "tenants", tenant, fmt.Sprintf(`{"fail":"no %s"}`, tenant))
	}
	for _, m := range take(t, b, "succeeded", 2) {
		r := recordOf(t, m)
		tenant := aws.ToString(m.MessageAttributes["TenantId"].StringValue)
		if r.RequestContext.Condition != "Success" || r.RequestContext.Invoked != 1 || r.ResponsePayload.Tenant != tenant || r.RequestContext.Tenant != tenant || tenant == "" {
			t.Errorf("a success of %q: %+v", tenant, r)
		}
	}
	for _, m := range take(t, b, "failed", 2) {
		r := recordOf(t, m)
		tenant := aws.ToString(m.MessageAttributes["TenantId"].StringValue)
		if r.RequestContext.Condition != "RetriesExhausted" || r.RequestContext.Invoked != 3 || r.ResponsePayload.Message != "no "+tenant || tenant == "" {
			t.Errorf("a failure of %q: %+v", tenant, r)
		}
	}
	for _, m := range take(t, b, "dead", 2) {
		tenant := aws.ToString(m.MessageAttributes["TenantId"].StringValue)
		if aws.ToString(m.Body) != fmt.Sprintf(`{"fail":"no %s"}`, tenant) || aws.ToString(m.MessageAttributes["ErrorCode"].StringValue) != "200" ||
			aws.ToString(m.MessageAttributes["ErrorMessage"].StringValue) != "no "+tenant || aws.ToString(m.MessageAttributes["RequestID"].StringValue) == "" {
			t.Errorf("a dead letter of %q: %s %v", tenant, aws.ToString(m.Body), m.MessageAttributes)
		}
	}
}

// The record of one function is the event of another, whose record goes to a
// queue.
func TestAFunctionIsADestination(t *testing.T) {
	b := up(t, "testdata/async")
	send(t, b, "worker", "", `{}`)
	last := recordOf(t, take(t, b, "succeeded", 1)[0])
	if last.RequestContext.FunctionARN != "arn:aws:lambda:us-east-1:123456789012:function:last:$LATEST" {
		t.Errorf("%+v", last)
	}
	var first record
	if err := json.Unmarshal(last.RequestPayload, &first); err != nil || first.RequestContext.FunctionARN != "arn:aws:lambda:us-east-1:123456789012:function:worker:$LATEST" {
		t.Errorf("%v, %s", err, last.RequestPayload)
	}
}

// A function takes from a queue what it has not taken yet; what it reports as
// failed comes again.
func TestAQueueIsAnEventSource(t *testing.T) {
	b := up(t, "testdata/async")
	c := queues(b)
	url := aws.String(b.service + "/123456789012/orders")
	for _, body := range []string{"once", "again"} {
		if _, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	b.await(t, "the queue to be empty", time.Minute, func() bool {
		out, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
	})
	if n := len(b.invocations()); n < 2 || n > 3 {
		t.Errorf("%d invocations, want one or two for what was there, and one for what came again", n)
	}
}

// await asks until the answer is yes.
func (b *berth) await(t *testing.T, what string, patience time.Duration, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !yes() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited %v for %s\n%s", patience, what, &b.stderr)
		}
	}
}

// Two processes with one state would begin each other's events.
func TestAStateBelongsToOneBerth(t *testing.T) {
	state := t.TempDir()
	up(t, "testdata/async", "--state", state)
	_, stderr, status := command(t, "", "up", "testdata/async", "--state", state, "--gateway", "127.0.0.1:0", "--service", "127.0.0.1:0")
	if status != 1 || !strings.Contains(stderr, "another process of Berth uses the state in "+state) || !strings.Contains(stderr, "try: --state DIR") {
		t.Errorf("status %d, %s", status, stderr)
	}
}
