package sqs

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/queue"
)

// The operations, with the bodies that they take and give. Field names are the
// API's. Source: Amazon SQS API reference, a page for each.

// nothing is the answer of operations that have none.
type nothing struct{}

// url names a queue for the client that asks, at the address that it asked.
func (s *Server) url(r *http.Request, name string) string {
	return (&url.URL{Scheme: "http", Host: r.Host, Path: "/" + s.account + "/" + name}).String()
}

// byURL finds the queue that a URL names. The host is not looked at: functions
// and their callers know this machine by different names.
func (s *Server) byURL(queueURL string) (arn string, found *shelf, err error) {
	if queueURL == "" {
		return "", nil, &fault{code: "MissingParameter", message: "The request must contain the parameter QueueUrl."}
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return "", nil, errNoQueue
	}
	name := path.Base(u.Path)
	found, err = s.queues.find(name)
	return s.queues.ARN(name), found, err
}

type queueURL struct{ QueueUrl string }

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string
}

func (s *Server) createQueue(r *http.Request, in createQueueIn) (queueURL, error) {
	if bad := checkName(in.QueueName); bad != nil {
		return queueURL{}, bad
	}
	settings := queue.Defaults(in.QueueName)
	if bad := s.queues.set(&settings, in.Attributes); bad != nil {
		return queueURL{}, bad
	}
	if before, ok := s.queues.Settings(s.queues.ARN(in.QueueName)); ok {
		same := before
		if bad := s.queues.set(&same, in.Attributes); bad != nil {
			return queueURL{}, bad
		}
		if !reflect.DeepEqual(same, before) {
			return queueURL{}, &fault{code: "QueueNameExists", query: "QueueAlreadyExists",
				message: "A queue already exists with the same name and a different value for an attribute."}
		}
		return queueURL{s.url(r, in.QueueName)}, nil
	}
	if err := s.queues.Put(settings); err != nil {
		return queueURL{}, err
	}
	return queueURL{s.url(r, in.QueueName)}, nil
}

func (s *Server) deleteQueue(_ *http.Request, in queueURL) (nothing, error) {
	_, found, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.queues.Drop(found.describe().Settings.Name)
}

type getQueueURLIn struct{ QueueName string }

func (s *Server) getQueueURL(r *http.Request, in getQueueURLIn) (queueURL, error) {
	if _, err := s.queues.find(in.QueueName); err != nil {
		return queueURL{}, err
	}
	return queueURL{s.url(r, in.QueueName)}, nil
}

type listQueuesIn struct {
	QueueNamePrefix string
	MaxResults      int
	NextToken       string // the name that the page before ended with
}

type listQueuesOut struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Server) listQueues(r *http.Request, in listQueuesIn) (out listQueuesOut, err error) {
	if in.MaxResults < 0 || in.MaxResults > 1000 {
		return out, invalid("Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.")
	}
	limit := in.MaxResults
	if limit == 0 {
		limit = 1000
	}
	last := ""
	for _, name := range s.queues.Names(in.QueueNamePrefix) {
		if name <= in.NextToken {
			continue
		}
		if len(out.QueueUrls) == limit {
			if in.MaxResults > 0 { // SQS pages only for those who ask for it
				out.NextToken = last
			}
			break
		}
		out.QueueUrls = append(out.QueueUrls, s.url(r, name))
		last = name
	}
	return out, nil
}

type listSourcesOut struct {
	QueueURLs []string `json:"queueUrls"`
}

func (s *Server) listDeadLetterSourceQueues(r *http.Request, in queueURL) (listSourcesOut, error) {
	arn, _, err := s.byURL(in.QueueUrl)
	out := listSourcesOut{QueueURLs: []string{}}
	if err != nil {
		return out, err
	}
	for _, name := range s.queues.Names("") {
		if settings, ok := s.queues.Settings(s.queues.ARN(name)); ok && settings.Redrive != nil && settings.Redrive.Target == arn {
			out.QueueURLs = append(out.QueueURLs, s.url(r, name))
		}
	}
	return out, nil
}

type attributesIn struct {
	QueueUrl       string
	AttributeNames []string
}

type attributesOut struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Server) getQueueAttributes(_ *http.Request, in attributesIn) (out attributesOut, err error) {
	_, found, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	shown, bad := s.queues.show(found, in.AttributeNames)
	if bad != nil {
		return out, bad
	}
	return attributesOut{shown}, nil
}

type setAttributesIn struct {
	QueueUrl   string
	Attributes map[string]string
}

func (s *Server) setQueueAttributes(_ *http.Request, in setAttributesIn) (nothing, error) {
	_, found, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nothing{}, err
	}
	settings := found.describe().Settings
	if bad := s.queues.set(&settings, in.Attributes); bad != nil {
		return nothing{}, bad
	}
	return nothing{}, s.queues.Put(settings)
}

func (s *Server) purgeQueue(_ *http.Request, in queueURL) (nothing, error) {
	arn, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.queues.Purge(arn)
}

// attribute is a message attribute on the wire.
type attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

func fromWire(in map[string]attribute) []queue.Attribute {
	var all []queue.Attribute
	for _, name := range slices.Sorted(maps.Keys(in)) {
		all = append(all, queue.Attribute{Name: name, Type: in[name].DataType, Text: in[name].StringValue, Binary: in[name].BinaryValue})
	}
	return all
}

type sendIn struct {
	ID                      string `json:"Id"` // in batches
	QueueUrl                string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]attribute
	MessageSystemAttributes map[string]attribute
}

type sendOut struct {
	ID                     string `json:"Id,omitempty"` // in batches
	MessageID              string `json:"MessageId"`
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
}

func (s *Server) sendMessage(_ *http.Request, in sendIn) (sendOut, error) {
	arn, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return sendOut{}, err
	}
	return s.send(arn, in)
}

func (s *Server) send(arn string, in sendIn) (out sendOut, err error) {
	delay := time.Duration(-1)
	if in.DelaySeconds != nil {
		delay = time.Duration(*in.DelaySeconds) * time.Second
		if delay < 0 || delay > queue.MaxDelay {
			return out, invalid("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *in.DelaySeconds)
		}
	}
	m := queue.Message{Body: in.MessageBody, Attributes: fromWire(in.MessageAttributes), Trace: in.MessageSystemAttributes["AWSTraceHeader"].StringValue}
	id, err := s.queues.Send(arn, m, delay)
	if err != nil {
		return out, err
	}
	return sendOut{ID: in.ID, MessageID: id, MD5OfMessageBody: BodyMD5(m.Body), MD5OfMessageAttributes: AttributesMD5(m.Attributes)}, nil
}

type receiveIn struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string // the older name of the next one
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

type received struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string    `json:",omitempty"`
	MD5OfMessageAttributes string               `json:",omitempty"`
	MessageAttributes      map[string]attribute `json:",omitempty"`
}

type receiveOut struct {
	Messages []received `json:",omitempty"`
}

func (s *Server) receiveMessage(r *http.Request, in receiveIn) (out receiveOut, err error) {
	arn, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	ask := Ask{Max: 1, Hidden: -1, Wait: -1}
	if n := in.MaxNumberOfMessages; n != nil {
		if ask.Max = *n; *n < 1 || *n > 10 {
			return out, invalid("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", *n)
		}
	}
	for _, p := range []struct {
		name  string
		given *int
		to    *time.Duration
		most  time.Duration
	}{
		{"VisibilityTimeout", in.VisibilityTimeout, &ask.Hidden, queue.MaxVisibilityTimeout},
		{"WaitTimeSeconds", in.WaitTimeSeconds, &ask.Wait, queue.MaxWait},
	} {
		if p.given == nil {
			continue
		}
		if *p.to = time.Duration(*p.given) * time.Second; *p.to < 0 || *p.to > p.most {
			return out, invalid("Value %d for parameter %s is invalid. Reason: Must be >= 0 and <= %d, if provided.", *p.given, p.name, int(p.most/time.Second))
		}
	}
	messages, err := s.queues.Receive(r.Context(), arn, ask)
	if err != nil {
		return out, err
	}
	for _, m := range messages {
		out.Messages = append(out.Messages, s.show(m, in))
	}
	return out, nil
}

// show is a message with what the receiver has asked for of its attributes.
func (s *Server) show(m Received, in receiveIn) received {
	out := received{MessageID: m.ID, ReceiptHandle: m.Handle, MD5OfBody: BodyMD5(m.Body), Body: m.Body}
	wanted := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for name, value := range m.SystemAttributes(s.account) {
		if slices.Contains(wanted, name) || slices.Contains(wanted, "All") {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = value
		}
	}
	var shown []queue.Attribute
	for _, a := range m.Attributes {
		if slices.ContainsFunc(in.MessageAttributeNames, func(name string) bool { return matches(name, a.Name) }) {
			shown = append(shown, a)
			if out.MessageAttributes == nil {
				out.MessageAttributes = map[string]attribute{}
			}
			out.MessageAttributes[a.Name] = attribute{DataType: a.Type, StringValue: a.Text, BinaryValue: a.Binary}
		}
	}
	out.MD5OfMessageAttributes = AttributesMD5(shown)
	return out
}

// matches reports whether a receiver's word means an attribute: its name, "All",
// or the beginning of its name and ".*".
func matches(word, name string) bool {
	prefix, isPrefix := strings.CutSuffix(word, ".*")
	return word == name || word == "All" || isPrefix && strings.HasPrefix(name, prefix)
}

// SystemAttributes are what SQS itself says of a message.
// Source: Amazon SQS API reference, ReceiveMessage.
func (m Received) SystemAttributes(account string) map[string]string {
	all := map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.Count),
		"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"SenderId":                         account,
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.First.UnixMilli(), 10),
	}
	if m.Trace != "" {
		all["AWSTraceHeader"] = m.Trace
	}
	if m.Source != "" {
		all["DeadLetterQueueSourceArn"] = m.Source
	}
	return all
}

type deleteIn struct {
	ID            string `json:"Id"` // in batches
	QueueUrl      string
	ReceiptHandle string
}

func (s *Server) deleteMessage(_ *http.Request, in deleteIn) (nothing, error) {
	arn, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.queues.Delete(arn, in.ReceiptHandle)
}

type changeVisibilityIn struct {
	ID                string `json:"Id"` // in batches
	QueueUrl          string
	ReceiptHandle     string
	VisibilityTimeout json.Number
}

func (s *Server) changeMessageVisibility(_ *http.Request, in changeVisibilityIn) (nothing, error) {
	arn, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.hide(arn, in)
}

func (s *Server) hide(arn string, in changeVisibilityIn) error {
	n, err := in.VisibilityTimeout.Int64()
	if hidden := time.Duration(n) * time.Second; err == nil && hidden >= 0 && hidden <= queue.MaxVisibilityTimeout {
		return s.queues.Hide(arn, in.ReceiptHandle, hidden)
	}
	return invalid("Value %s for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200.", in.VisibilityTimeout)
}
