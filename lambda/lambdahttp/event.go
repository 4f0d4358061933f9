package lambdahttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Source is the door that an HTTP request came through.
type Source string

// The doors, and the shape of their events.
const (
	RESTAPI      Source = "REST API"     // payload format 1.0
	HTTPAPI      Source = "HTTP API"     // payload format 2.0, or 1.0 where the integration asks for it
	FunctionURL  Source = "function URL" // payload format 2.0
	LoadBalancer Source = "ALB"
)

// Event is the event that a request was made of.
type Event struct {
	Source Source
	Stage  string          // of a REST or HTTP API; "" otherwise
	Raw    json.RawMessage // as it came; valid until the request has been served
}

// Decode reads the event into v, such as an events.APIGatewayProxyRequest of
// github.com/aws/aws-lambda-go/events: for an authorizer's context, stage
// variables, and whatever else HTTP has no place for.
func (e *Event) Decode(v any) error { return json.Unmarshal(e.Raw, v) }

type eventKey struct{}

// FromContext returns the event behind a request, given the request's context.
// ok is false outside of a handler that [Handler] serves.
func FromContext(ctx context.Context) (e *Event, ok bool) {
	e, ok = ctx.Value(eventKey{}).(*Event)
	return e, ok
}

// EventError says that an event is none of an HTTP request: the function was
// invoked by something else than the four doors, or by hand.
type EventError struct{ Err error }

func (e *EventError) Error() string { return "not an HTTP event: " + e.Err.Error() }
func (e *EventError) Unwrap() error { return e.Err }

// format is the shape of an event and of the answer to it.
type format int

const (
	v1       format = iota + 1 // payload format 1.0
	v2                         // payload format 2.0
	alb                        // ALB with a single value for each header
	albMulti                   // ALB with lists of values
)

// event is what the shapes have, as far as a request is made of it. A key of one
// shape has no other meaning in the others, so that one pass reads them all.
// Sources: Amazon API Gateway developer guide, set-up-lambda-proxy-integrations
// and http-api-develop-integrations-lambda; AWS Lambda developer guide,
// urls-invocation; Elastic Load Balancing user guide, lambda-functions.
type event struct {
	Version    string            `json:"version"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Base64     bool              `json:"isBase64Encoded"`
	HTTPMethod string            `json:"httpMethod"` // 1.0 and ALB, as the next four
	Path       string            `json:"path"`
	Query      map[string]string `json:"queryStringParameters"`

	MultiHeaders map[string][]string `json:"multiValueHeaders"`
	MultiQuery   map[string][]string `json:"multiValueQueryStringParameters"`

	RawPath  string   `json:"rawPath"` // 2.0, as the next two
	RawQuery string   `json:"rawQueryString"`
	Cookies  []string `json:"cookies"`

	Context *struct {
		Stage        string `json:"stage"`
		APIID        string `json:"apiId"`
		DomainName   string `json:"domainName"`
		DomainPrefix string `json:"domainPrefix"`
		Protocol     string `json:"protocol"`
		Identity     struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
		HTTP *struct {
			Method   string `json:"method"`
			Protocol string `json:"protocol"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
		ELB *struct{} `json:"elb"`
	} `json:"requestContext"`
}

// parse reads an event. The error is an *EventError.
func parse(raw []byte) (*event, error) {
	e := new(event)
	if err := json.Unmarshal(raw, e); err != nil {
		return nil, &EventError{err}
	}
	if e.Context == nil {
		return nil, &EventError{errors.New("it has no requestContext")}
	}
	if e.format() == 0 {
		return nil, &EventError{fmt.Errorf("it has version %q, httpMethod %q, and a requestContext without http", e.Version, e.HTTPMethod)}
	}
	return e, nil
}

// format tells the shapes apart by what only one of them has. It is 0 when the
// event has none of it.
func (e *event) format() format {
	switch {
	case e.Context.HTTP != nil && e.Context.HTTP.Method != "":
		return v2
	case e.HTTPMethod == "":
		return 0
	case e.Context.ELB == nil:
		return v1
	case e.MultiHeaders != nil:
		return albMulti
	}
	return alb
}

// source tells the door. A function URL and an HTTP API send the same shape; the
// URL's own domain is the difference.
func (e *event) source() Source {
	switch f := e.format(); {
	case f == alb || f == albMulti:
		return LoadBalancer
	case f == v1 && e.Version == "":
		return RESTAPI
	case f == v2 && strings.Contains(e.Context.DomainName, ".lambda-url."):
		return FunctionURL
	}
	return HTTPAPI
}

// stage is the API's; "" for the other doors.
func (e *event) stage() string {
	if s := e.source(); s == RESTAPI || s == HTTPAPI {
		return e.Context.Stage
	}
	return ""
}
