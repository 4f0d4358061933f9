package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/berthdev/berth/internal/sqs"
	"github.com/berthdev/berth/internal/store"
)

// sdk is AWS's own SDK, pointed at queues of ours.
func sdk(t *testing.T, dir string) (*client.Client, *store.Store) {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests have closed it already
	queues, err := sqs.Open(s, "us-east-1", "123456789012")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sqs.NewServer(queues, "123456789012", sqs.Config{}))
	t.Cleanup(server.Close)
	return client.New(client.Options{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}), s
}

func create(t *testing.T, api *client.Client, name string, attributes map[string]string) *string {
	t.Helper()
	out, err := api.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

func send(t *testing.T, api *client.Client, queue *string, body string) {
	t.Helper()
	if _, err := api.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: queue, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, api *client.Client, in client.ReceiveMessageInput) []types.Message {
	t.Helper()
	out, err := api.ReceiveMessage(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func bodies(messages []types.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, aws.ToString(m.Body))
	}
	return strings.Join(all, " ")
}

// The SDK checks the digests of body and attributes itself.
func TestSDKMessage(t *testing.T) {
	api, _ := sdk(t, t.TempDir())
	queue := create(t, api, "orders", nil)
	sent, err := api.SendMessage(t.Context(), &client.SendMessageInput{
		QueueUrl: queue, MessageBody: aws.String(`{"n":1} <é>`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"TenantId": {DataType: aws.String("String"), StringValue: aws.String("alice")},
			"Count":    {DataType: aws.String("Number"), StringValue: aws.String("3")},
			"Raw":      {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
		},
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := receive(t, api, client.ReceiveMessageInput{QueueUrl: queue, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	m := got[0]
	if aws.ToString(m.Body) != `{"n":1} <é>` || *m.MessageId != *sent.MessageId || aws.ToString(m.MD5OfMessageAttributes) != *sent.MD5OfMessageAttributes ||
		aws.ToString(m.MessageAttributes["TenantId"].StringValue) != "alice" || string(m.MessageAttributes["Raw"].BinaryValue) != "\x00\xff" ||
		m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["AWSTraceHeader"] != "Root=1" || m.Attributes["SenderId"] != "123456789012" || m.Attributes["SentTimestamp"] == "" {
		t.Errorf("%+v", m)
	}
	if again := receive(t, api, client.ReceiveMessageInput{QueueUrl: queue}); len(again) != 0 {
		t.Errorf("given out again at once: %+v", again)
	}
	if _, err := api.ChangeMessageVisibility(t.Context(), &client.ChangeMessageVisibilityInput{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	again := receive(t, api, client.ReceiveMessageInput{QueueUrl: queue, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"},
		MessageAttributeNames: []string{"Tenant.*", "Co.*"}})
	if len(again) != 1 || again[0].Attributes["ApproximateReceiveCount"] != "2" || len(again[0].Attributes) != 1 || len(again[0].MessageAttributes) != 2 {
		t.Fatalf("after its visibility has ended: %+v", again)
	}
	if _, err := api.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: again[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	attributes, err := api.GetQueueAttributes(t.Context(), &client.GetQueueAttributesInput{QueueUrl: queue, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil || attributes.Attributes["ApproximateNumberOfMessages"] != "0" || attributes.Attributes["ApproximateNumberOfMessagesNotVisible"] != "0" ||
		attributes.Attributes["QueueArn"] != "arn:aws:sqs:us-east-1:123456789012:orders" || attributes.Attributes["VisibilityTimeout"] != "30" {
		t.Errorf("%+v, %v", attributes, err)
	}
}

func TestSDKQueues(t *testing.T) {
	api, _ := sdk(t, t.TempDir())
	var urls []string
	for _, name := range []string{"b", "a", "other"} {
		urls = append(urls, *create(t, api, name, map[string]string{"VisibilityTimeout": "5"}))
	}
	found, err := api.GetQueueUrl(t.Context(), &client.GetQueueUrlInput{QueueName: aws.String("a")})
	if err != nil || *found.QueueUrl != urls[1] || !strings.HasSuffix(urls[1], "/123456789012/a") {
		t.Errorf("%+v, %v", found, err)
	}
	var listed []string
	pages := client.NewListQueuesPaginator(api, &client.ListQueuesInput{MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, page.QueueUrls...)
	}
	if fmt.Sprint(listed) != fmt.Sprint([]string{urls[1], urls[0], urls[2]}) {
		t.Errorf("listed %v", listed)
	}
	if again := create(t, api, "a", map[string]string{"VisibilityTimeout": "5"}); *again != urls[1] {
		t.Errorf("made again as %s", *again)
	}
	_, err = api.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: aws.String("a"), Attributes: map[string]string{"VisibilityTimeout": "6"}})
	if _, ok := errors.AsType[*types.QueueNameExists](err); !ok {
		t.Errorf("made again with another setting: %v", err)
	}
	if _, err := api.SetQueueAttributes(t.Context(), &client.SetQueueAttributesInput{QueueUrl: &urls[1], Attributes: map[string]string{"VisibilityTimeout": "6"}}); err != nil {
		t.Error(err)
	}
	if _, err := api.DeleteQueue(t.Context(), &client.DeleteQueueInput{QueueUrl: &urls[0]}); err != nil {
		t.Error(err)
	}
	_, err = api.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: &urls[0], MessageBody: aws.String("x")})
	if fault, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok || fault.ErrorCode() != "AWS.SimpleQueueService.NonExistentQueue" && fault.ErrorCode() != "QueueDoesNotExist" {
		t.Errorf("send to a queue that is gone: %v", err)
	}
}

func TestSDKBatches(t *testing.T) {
	api, _ := sdk(t, t.TempDir())
	queue := create(t, api, "orders", nil)
	var entries []types.SendMessageBatchRequestEntry
	for i := range 10 {
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String(fmt.Sprint("m", i))})
	}
	entries[3].MessageBody = aws.String("\x01")
	out, err := api.SendMessageBatch(t.Context(), &client.SendMessageBatchInput{QueueUrl: queue, Entries: entries})
	if err != nil || len(out.Successful) != 9 || len(out.Failed) != 1 || *out.Failed[0].Id != "3" || *out.Failed[0].Code != "InvalidMessageContents" {
		t.Fatalf("%+v, %v", out, err)
	}
	got := receive(t, api, client.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 10})
	if bodies(got) != "m0 m1 m2 m4 m5 m6 m7 m8 m9" {
		t.Errorf("received %s", bodies(got))
	}
	var deletions []types.DeleteMessageBatchRequestEntry
	for _, m := range got {
		deletions = append(deletions, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	deletions = append(deletions, types.DeleteMessageBatchRequestEntry{Id: aws.String("bad"), ReceiptHandle: aws.String("bad")})
	deleted, err := api.DeleteMessageBatch(t.Context(), &client.DeleteMessageBatchInput{QueueUrl: queue, Entries: deletions})
	if err != nil || len(deleted.Successful) != 9 || len(deleted.Failed) != 1 {
		t.Errorf("%+v, %v", deleted, err)
	}
	for name, entries := range map[string][]types.SendMessageBatchRequestEntry{
		"AWS.SimpleQueueService.EmptyBatchRequest":            {},
		"AWS.SimpleQueueService.TooManyEntriesInBatchRequest": append(entries, entries[0]),
		"AWS.SimpleQueueService.BatchEntryIdsNotDistinct":     {entries[0], entries[0]},
	} {
		_, err := api.SendMessageBatch(t.Context(), &client.SendMessageBatchInput{QueueUrl: queue, Entries: entries})
		if fault, ok := errors.AsType[smithy.APIError](err); !ok || fault.ErrorCode() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

// A message that was received too often goes to the dead-letter queue, as it was.
// Source: Amazon SQS developer guide, sqs-dead-letter-queues.
func TestSDKRedrive(t *testing.T) {
	api, _ := sdk(t, t.TempDir())
	dead := create(t, api, "dead", nil)
	queue := create(t, api, "orders", map[string]string{"VisibilityTimeout": "0",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":"2"}`})
	send(t, api, queue, "poison")
	var first types.Message
	for i := range 2 {
		got := receive(t, api, client.ReceiveMessageInput{QueueUrl: queue})
		if bodies(got) != "poison" {
			t.Fatalf("receipt %d: %q", i+1, bodies(got))
		}
		first = got[0]
	}
	send(t, api, queue, "later")
	if got := receive(t, api, client.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 2}); bodies(got) != "later" {
		t.Errorf("the third receipt: %q", bodies(got))
	}
	got := receive(t, api, client.ReceiveMessageInput{QueueUrl: dead, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	if bodies(got) != "poison" || *got[0].MessageId != *first.MessageId || got[0].Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:123456789012:orders" {
		t.Errorf("in the dead-letter queue: %+v", got)
	}
	sources, err := api.ListDeadLetterSourceQueues(t.Context(), &client.ListDeadLetterSourceQueuesInput{QueueUrl: dead})
	if err != nil || len(sources.QueueUrls) != 1 || sources.QueueUrls[0] != *queue {
		t.Errorf("%+v, %v", sources, err)
	}
}

// What a queue holds outlives the process: messages, settings, receipts.
func TestQueuesOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	api, s := sdk(t, dir)
	queue := create(t, api, "orders", map[string]string{"VisibilityTimeout": "600"})
	for _, body := range []string{"hidden", "visible", "deleted"} {
		send(t, api, queue, body)
	}
	got := receive(t, api, client.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 3})
	for i, m := range got {
		var err error
		switch i {
		case 1:
			_, err = api.ChangeMessageVisibility(t.Context(), &client.ChangeMessageVisibilityInput{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle})
		case 2:
			_, err = api.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Close()

	api, _ = sdk(t, dir)
	again := receive(t, api, client.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	if bodies(again) != "visible" || again[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("received %q", bodies(again))
	}
	if _, err := api.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: got[0].ReceiptHandle}); err != nil {
		t.Errorf("a receipt of the process before: %v", err)
	}
	attributes, err := api.GetQueueAttributes(t.Context(), &client.GetQueueAttributesInput{QueueUrl: queue, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil || attributes.Attributes["ApproximateNumberOfMessagesNotVisible"] != "1" || attributes.Attributes["VisibilityTimeout"] != "600" {
		t.Errorf("%+v, %v", attributes, err)
	}
}

// Whatever SQS refuses is refused with its code.
// Source: Amazon SQS API reference, Errors of each operation.
func TestSDKFaults(t *testing.T) {
	api, _ := sdk(t, t.TempDir())
	queue := create(t, api, "orders", nil)
	handle := aws.String("bm9uZQ")
	for _, tt := range []struct {
		name, code string
		do         func() error
	}{
		{"an empty body", "MissingParameter", func() error {
			_, err := api.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("")})
			return err
		}},
		{"a control character", "InvalidMessageContents", func() error {
			_, err := api.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("\x00")})
			return err
		}},
		{"a megabyte and a byte", "InvalidParameterValue", func() error {
			_, err := api.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String(strings.Repeat("x", 1<<20+1))})
			return err
		}},
		{"eleven messages", "InvalidParameterValue", func() error {
			_, err := api.ReceiveMessage(t.Context(), &client.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 11})
			return err
		}},
		{"a wait of 21 s", "InvalidParameterValue", func() error {
			_, err := api.ReceiveMessage(t.Context(), &client.ReceiveMessageInput{QueueUrl: queue, WaitTimeSeconds: 21})
			return err
		}},
		{"a foreign receipt", "ReceiptHandleIsInvalid", func() error {
			_, err := api.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: handle})
			return err
		}},
		{"a FIFO queue", "AWS.SimpleQueueService.UnsupportedOperation", func() error {
			_, err := api.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: aws.String("q.fifo")})
			return err
		}},
		{"a bad name", "InvalidParameterValue", func() error {
			_, err := api.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: aws.String("a b")})
			return err
		}},
		{"a bad attribute", "InvalidAttributeName", func() error {
			_, err := api.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"Nope": "1"}})
			return err
		}},
		{"a bad value", "InvalidAttributeValue", func() error {
			_, err := api.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"DelaySeconds": "901"}})
			return err
		}},
		{"a redrive to nowhere", "InvalidParameterValue", func() error {
			_, err := api.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{
				"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:no","maxReceiveCount":1}`}})
			return err
		}},
		{"an operation that is not here", "AWS.SimpleQueueService.UnsupportedOperation", func() error {
			_, err := api.ListQueueTags(t.Context(), &client.ListQueueTagsInput{QueueUrl: queue})
			return err
		}},
	} {
		err := tt.do()
		if fault, ok := errors.AsType[smithy.APIError](err); !ok || fault.ErrorCode() != tt.code || fault.ErrorFault() == smithy.FaultServer {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
}

// FuzzServer sends whatever a client may send: every answer is JSON with a type,
// and never Berth's own fault.
func FuzzServer(f *testing.F) {
	s, err := store.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	queues, err := sqs.Open(s, "us-east-1", "123456789012")
	if err != nil {
		f.Fatal(err)
	}
	server := sqs.NewServer(queues, "123456789012", sqs.Config{})
	f.Add("CreateQueue", `{"QueueName":"q","Attributes":{"VisibilityTimeout":"0"}}`)
	f.Add("SendMessage", `{"QueueUrl":"http://x/1/q","MessageBody":"m","MessageAttributes":{"a":{"DataType":"String","StringValue":"v"}}}`)
	f.Add("ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":1,"WaitTimeSeconds":0}`)
	f.Add("DeleteMessage", `{"QueueUrl":"q","ReceiptHandle":"MSAxIGE"}`)
	f.Add("ChangeMessageVisibility", `{"QueueUrl":"q","ReceiptHandle":"MSAxIGE","VisibilityTimeout":1e3}`)
	f.Add("SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"1"}]}`)
	f.Fuzz(func(t *testing.T, op, body string) {
		left, leave := context.WithCancel(t.Context())
		leave() // a client that has left waits for no message
		r := httptest.NewRequestWithContext(left, http.MethodPost, "/", strings.NewReader(body))
		r.Header["X-Amz-Target"] = []string{"AmazonSQS." + op}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code >= 400 && !strings.HasPrefix(w.Body.String(), `{"__type":"com.amazonaws.sqs#`) {
			t.Errorf("%s %s: %d %s", op, body, w.Code, w.Body)
		}
	})
}
