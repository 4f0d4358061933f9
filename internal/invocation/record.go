package invocation

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/queue"
)

// result is what a function has answered to an asynchronous event. It is kept
// with the event between its attempts.
type result struct {
	Version string          `json:"version"` // that was executed: "$LATEST" or a number
	Failed  bool            `json:"failed,omitempty"`
	Payload json.RawMessage `json:"payload"`
}

// end is how an event ended: all that a record tells.
type end struct {
	event     backlog.Event
	payload   []byte
	function  string // ARN with a qualifier
	condition condition
	invoked   int     // how often the function has answered
	result    *result // the last answer; nil if there was none
	at        time.Time
}

// record is the invocation record that destinations get. The order of the fields
// is Lambda's.
// Source: AWS Lambda developer guide, invocation-async-retain-records.
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string            `json:"requestId"`
	FunctionARN            string            `json:"functionArn"`
	Condition              condition         `json:"condition"`
	ApproximateInvokeCount int               `json:"approximateInvokeCount"`
	TenantID               function.TenantID `json:"tenantId,omitempty"` // Berth's own: only where there is a tenant
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// record is e as destinations get it.
func (e end) record() []byte {
	r := record{
		Version:   "1.0",
		Timestamp: e.at.UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{
			RequestID:              e.event.RequestID,
			FunctionARN:            e.function,
			Condition:              e.condition,
			ApproximateInvokeCount: e.invoked,
			TenantID:               e.event.Tenant,
		},
		RequestPayload: raw(e.payload),
	}
	if e.result != nil {
		r.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: e.result.Version}
		if e.result.Failed {
			r.ResponseContext.FunctionError = "Unhandled"
		}
		r.ResponsePayload = raw(e.result.Payload)
	}
	return encode(r)
}

// maxErrorMessage is how much of an error a dead-letter message tells, in bytes.
// Source: AWS Lambda developer guide, invocation-async-retain-records.
const maxErrorMessage = 1024

// deadLetter are the attributes of the message that holds an event which was
// given up. Lambda's own three come first.
// Source: AWS Lambda developer guide, invocation-async-retain-records.
func (e end) deadLetter() []queue.Attribute {
	status, message := 200, ""
	switch {
	case e.result != nil:
		message = errorMessage(e.result.Payload)
	default: // what kept the function from seeing the event is a throttle, or looks like one
		status, message = 429, "Rate Exceeded."
	}
	all := []queue.Attribute{
		{Name: "RequestID", Type: "String", Text: e.event.RequestID},
		{Name: "ErrorCode", Type: "Number", Text: strconv.Itoa(status)},
	}
	if message != "" { // SQS takes no empty value
		all = append(all, queue.Attribute{Name: "ErrorMessage", Type: "String", Text: message})
	}
	return append(all, e.tenant()...)
}

// tenant is the attribute that carries the tenant ID; none if there is no tenant.
func (e end) tenant() []queue.Attribute {
	if e.event.Tenant == "" {
		return nil
	}
	return []queue.Attribute{{Name: tenantAttribute, Type: "String", Text: string(e.event.Tenant)}}
}

// tenantAttribute is the message attribute in which the tenant ID travels on,
// beside those of Lambda.
const tenantAttribute = "TenantId"

// errorMessage is the message in a function's error, cut where it is too long.
func errorMessage(payload []byte) string {
	var body struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(payload, &body) != nil {
		return ""
	}
	message := body.Message
	if len(message) > maxErrorMessage {
		message = message[:maxErrorMessage]
		for !utf8.ValidString(message) { // the last character was cut in two
			message = message[:len(message)-1]
		}
	}
	return message
}

// raw is payload as a value in JSON: as it is, or as a string if it is none.
func raw(payload []byte) json.RawMessage {
	if json.Valid(payload) {
		return payload
	}
	return encode(string(payload))
}

// encode is v as JSON without needless escapes. Every v here is made of strings,
// numbers and valid JSON, which can't fail.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
