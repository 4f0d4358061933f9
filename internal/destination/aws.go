package destination

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/function"
)

// AWS sends messages to whatever answers as AWS at one endpoint: one request for
// each message, signed. The clients of AWS's SDK would do the same; for four
// requests they would double the size of the binary that is the inside of every
// sandbox, too, and add a third to the time that it takes to start.
type AWS struct {
	endpoint string
	region   string
	keys     aws.Credentials
	client   *http.Client
	signer   *v4.Signer
}

// NewAWS returns a sender to endpoint, a URL; "{service}" in it stands for the
// service's name, "https://{service}.eu-west-1.amazonaws.com".
func NewAWS(endpoint, region string, keys aws.Credentials) *AWS {
	return &AWS{
		endpoint: strings.TrimSuffix(endpoint, "/"), region: region, keys: keys,
		client: &http.Client{
			// A request that was signed for one host is not sent to another.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }), // no path here has what it would escape
	}
}

// sendTimeout bounds one attempt.
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
	if err != nil {
		return fmt.Errorf("send to %s: %w", m.Target, err)
	}
	return nil
}

// base is the URL of a service.
func (a *AWS) base(service string) string {
	return strings.ReplaceAll(a.endpoint, "{service}", service)
}

// do signs a request for a service, sends it, and returns the answer's body.
func (a *AWS) do(ctx context.Context, m Message, service, method, address string, header http.Header, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := a.signer.SignHTTP(ctx, a.keys, r, hash, service, a.region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	const most = 64 * 1024 // of an answer that is worth reading
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return nil, err
	}
	return text, a.judge(m, answer, text)
}

// judge says what an answer means: nil, an error that another attempt may not
// meet, or a *[RefusedError].
func (a *AWS) judge(m Message, answer *http.Response, text []byte) error {
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		return nil
	}
	code := errorCode(answer, text)
	if answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests || throttled(code) {
		return fmt.Errorf("%s: %s", answer.Status, code)
	}
	return &RefusedError{Target: m.Target, Reason: answer.Status + ": " + code}
}

// throttled reports whether a fault is only that the sender came too often.
func throttled(code string) bool {
	return strings.Contains(code, "Throttl") || strings.HasPrefix(code, "TooManyRequests") || code == "SlowDown"
}

// errorCode is what AWS calls a fault, in whichever of its protocols; "" if the
// answer is in none of them.
func errorCode(answer *http.Response, text []byte) string {
	if code, _, ok := strings.Cut(answer.Header.Get("X-Amzn-Query-Error"), ";"); ok {
		return code
	}
	var asJSON struct {
		Type string `json:"__type"`
	}
	if json.Unmarshal(text, &asJSON) == nil && asJSON.Type != "" {
		return asJSON.Type[strings.LastIndexByte(asJSON.Type, '#')+1:]
	}
	var asXML struct {
		Code  string // S3's is at the top
		Error struct{ Code string }
	}
	if xml.Unmarshal(text, &asXML) != nil {
		return ""
	}
	if asXML.Code != "" {
		return asXML.Code
	}
	return asXML.Error.Code
}

// attribute is a message attribute as SQS's JSON has it.
type attribute struct{ DataType, StringValue string }

// sendToQueue is SQS's operation SendMessage.
// Source: Amazon SQS API reference, SendMessage.
func (a *AWS) sendToQueue(ctx context.Context, m Message, name string) error {
	account := strings.Split(m.Target, ":")[4]
	in := struct {
		QueueURL                string `json:"QueueUrl"`
		MessageBody             string
		MessageAttributes       map[string]attribute `json:",omitempty"`
		MessageSystemAttributes map[string]attribute `json:",omitempty"`
	}{QueueURL: a.base("sqs") + "/" + account + "/" + name, MessageBody: string(m.Body)}
	if len(m.Attributes) > 0 {
		in.MessageAttributes = map[string]attribute{}
	}
	for _, attr := range m.Attributes {
		in.MessageAttributes[attr.Name] = attribute{attr.Type, attr.Text}
	}
	if m.TraceID != "" {
		in.MessageSystemAttributes = map[string]attribute{"AWSTraceHeader": {"String", m.TraceID}}
	}
	_, err := a.doJSON(ctx, m, "sqs", "application/x-amz-json-1.0", "AmazonSQS.SendMessage", in)
	return err
}

func (a *AWS) doJSON(ctx context.Context, m Message, service, contentType, operation string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	header := http.Header{"Content-Type": {contentType}, "X-Amz-Target": {operation}}
	return a.do(ctx, m, service, http.MethodPost, a.base(service)+"/", header, body)
}

// publish is SNS's operation Publish.
// Source: Amazon SNS API reference, Publish.
func (a *AWS) publish(ctx context.Context, m Message) error {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {m.Target}, "Message": {string(m.Body)}}
	for i, attr := range m.Attributes {
		entry := "MessageAttributes.entry." + strconv.Itoa(i+1)
		form.Set(entry+".Name", attr.Name)
		form.Set(entry+".Value.DataType", attr.Type)
		form.Set(entry+".Value.StringValue", attr.Text)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	_, err := a.do(ctx, m, "sns", http.MethodPost, a.base("sns")+"/", header, []byte(form.Encode()))
	return err
}

// busEntry is an event for an event bus.
type busEntry struct {
	EventBusName, Source, DetailType, Detail string
	Resources                                []string
	Time                                     float64 // seconds since the Unix epoch
	TraceHeader                              string  `json:",omitempty"`
}

// putEvent is EventBridge's operation PutEvents, with a record.
// Source: Amazon EventBridge API reference, PutEvents; AWS Lambda developer guide,
// invocation-async-retain-records.
func (a *AWS) putEvent(ctx context.Context, m Message) error {
	result := "Failure"
	if m.Success {
		result = "Success"
	}
	answer, err := a.doJSON(ctx, m, "events", "application/x-amz-json-1.1", "AWSEvents.PutEvents", struct{ Entries []busEntry }{[]busEntry{{
		EventBusName: m.Target, Source: "lambda", DetailType: "Lambda Function Invocation Result - " + result, Detail: string(m.Body),
		Resources: []string{m.Target, m.Function}, Time: float64(m.Time.UnixMilli()) / 1000, TraceHeader: m.TraceID,
	}}})
	if err != nil {
		return err
	}
	var out struct {
		Entries []struct{ ErrorCode, ErrorMessage string }
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	for _, entry := range out.Entries {
		if entry.ErrorCode != "" {
			return fmt.Errorf("%s: %s", entry.ErrorCode, entry.ErrorMessage)
		}
	}
	return nil
}

// putObject is S3's operation PutObject, with the bucket in the path: an endpoint
// that is an address has no host name for a bucket.
// Source: Amazon S3 API reference, PutObject.
func (a *AWS) putObject(ctx context.Context, m Message, bucket string) error {
	header := http.Header{"Content-Type": {"application/json"}}
	if m.Tenant != "" {
		header.Set("X-Amz-Meta-Tenant-Id", string(m.Tenant))
	}
	_, err := a.do(ctx, m, "s3", http.MethodPut, a.base("s3")+"/"+bucket+"/"+objectKey(m, uuid.NewString()), header, m.Body)
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
