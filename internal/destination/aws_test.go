package destination

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/sigv4"
)

// cloud answers as AWS does, and notes in short what it was asked.
func cloud(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body []byte)) (*AWS, *[]string) {
	t.Helper()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, describe(t, r, body))
		answer(w, r, body)
	}))
	t.Cleanup(server.Close)
	return NewAWS(server.URL, "us-east-1", aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}), &asked
}

// describe is a request without what changes each time.
func describe(t *testing.T, r *http.Request, body []byte) string {
	t.Helper()
	// S3 alone encodes paths once, which makes no difference to these.
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "/us-east-1/")
	service, _, _ := strings.Cut(scope, "/")
	key := func(id string) (sigv4.Key, bool) { return sigv4.Key{Secret: "secret"}, id == "key" }
	if _, err := sigv4.New("us-east-1", service, key, sigv4.Config{}).Verify(r, body); err != nil {
		t.Errorf("%s %s as %q: %v", r.Method, r.URL, service, err)
	}
	text := string(body)
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		var fields any
		if err := json.Unmarshal(body, &fields); err != nil {
			t.Error(err)
		}
		sorted, err := json.Marshal(fields)
		if err != nil {
			t.Error(err)
		}
		text = r.Header.Get("X-Amz-Target") + " " + strings.ReplaceAll(string(sorted), "http://"+r.Host, "")
	case r.Method == http.MethodPost:
		form, err := url.ParseQuery(text)
		if err != nil {
			t.Error(err)
		}
		var all []string
		for _, name := range slices.Sorted(maps.Keys(form)) {
			all = append(all, name+"="+form.Get(name))
		}
		text = strings.Join(all, " ")
	}
	meta := ""
	if tenant := r.Header.Get("X-Amz-Meta-Tenant-Id"); tenant != "" {
		meta = " tenant-id=" + tenant
	}
	path := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllString(r.URL.Path, "<uuid>")
	return fmt.Sprintf("%s %s%s %s", r.Method, path, meta, text)
}

// ok answers whichever service was asked as it does when all is well.
func ok(w http.ResponseWriter, r *http.Request, body []byte) {
	switch {
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."):
		fmt.Fprintf(w, `{"MessageId":"1","MD5OfMessageBody":"99914b932bd37a50b983c5e7c90ae93b"}`) // of {}
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AWSEvents."):
		fmt.Fprint(w, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`)
	case strings.Contains(string(body), "Action=Publish"):
		fmt.Fprint(w, `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	}
}

// Source: AWS Lambda developer guide, invocation-async-retain-records; the API
// references of Amazon SQS, SNS, EventBridge and S3.
func TestAWS(t *testing.T) {
	from := Message{
		Body: []byte(`{}`), Function: "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST", Tenant: "alice", TraceID: "Root=1",
		Attributes: []queue.Attribute{{Name: "TenantId", Type: "String", Text: "alice"}},
		Time:       time.Date(2026, 11, 23, 9, 8, 7, 654e6, time.UTC),
	}
	for _, tt := range []struct {
		target  string
		success bool
		want    string
	}{
		{"arn:aws:sqs:us-east-1:123456789012:failed", false,
			`POST / AmazonSQS.SendMessage {"MessageAttributes":{"TenantId":{"DataType":"String","StringValue":"alice"}},"MessageBody":"{}",` +
				`"MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1"}},"QueueUrl":"/123456789012/failed"}`},
		{"arn:aws:sns:us-east-1:123456789012:topic", false,
			`POST / Action=Publish Message={} MessageAttributes.entry.1.Name=TenantId MessageAttributes.entry.1.Value.DataType=String ` +
				`MessageAttributes.entry.1.Value.StringValue=alice TopicArn=arn:aws:sns:us-east-1:123456789012:topic Version=2010-03-31`},
		{"arn:aws:events:us-east-1:123456789012:event-bus/b", true,
			`POST / AWSEvents.PutEvents {"Entries":[{"Detail":"{}","DetailType":"Lambda Function Invocation Result - Success",` +
				`"EventBusName":"arn:aws:events:us-east-1:123456789012:event-bus/b","Resources":["arn:aws:events:us-east-1:123456789012:event-bus/b",` +
				`"arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST"],"Source":"lambda","Time":1795424887.654,"TraceHeader":"Root=1"}]}`},
		{"arn:aws:s3:::bucket", false, `PUT /bucket/aws/lambda/async/f/2026/11/23/2026-11-23T09.08.07-<uuid> tenant-id=alice {}`},
	} {
		sender, asked := cloud(t, ok)
		m := from
		m.Target, m.Success = tt.target, tt.success
		if err := sender.Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", tt.target, err)
		}
		if len(*asked) != 1 || (*asked)[0] != tt.want {
			t.Errorf("%s: asked\n%s\nwant\n%s", tt.target, strings.Join(*asked, "\n"), tt.want)
		}
	}
}

func TestAWSRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		refused bool
	}{
		{"no such topic", 404, `<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>no</Message></Error></ErrorResponse>`, true},
		{"throttled", 400, `<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>no</Message></Error></ErrorResponse>`, false},
		{"no such queue", 400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`, true},
		{"no such bucket", 404, `<Error><Code>NoSuchBucket</Code></Error>`, true},
		{"a bucket that is too busy", 503, `<Error><Code>SlowDown</Code></Error>`, false},
		{"too many requests", 429, `what`, false},
		{"somewhere else", 307, ``, true},
		{"no AWS at all", 404, `page not found`, true},
		{"a fault of theirs", 500, `<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>no</Message></Error></ErrorResponse>`, false},
	} {
		sender, _ := cloud(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body)
		})
		err := sender.Send(t.Context(), Message{Target: elsewhere, Body: []byte("{}")})
		if refused := (*RefusedError)(nil); err == nil || errors.As(err, &refused) != tt.refused {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	sender, _ := cloud(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		fmt.Fprint(w, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure","ErrorMessage":"no"}]}`)
	})
	if err := sender.Send(t.Context(), Message{Target: "arn:aws:events:us-east-1:123456789012:event-bus/b", Body: []byte("{}")}); err == nil {
		t.Error("an entry that failed is delivered")
	}
	if err := sender.Send(t.Context(), Message{Target: ordinary}); err == nil {
		t.Error("a function was reached")
	}
}
