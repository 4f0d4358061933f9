package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/invocation"
)

// maxALB is the largest body that goes through a load balancer to a function, in
// either direction, in bytes.
// Source: Elastic Load Balancing, lambda-functions.
const maxALB = 1 << 20

// The answers of a load balancer's own, which are pages.
// Source: Elastic Load Balancing, load-balancer-troubleshooting.
var (
	albFailed   = albPage(http.StatusBadGateway)
	albTooLarge = albPage(http.StatusRequestEntityTooLarge)
)

func albPage(status int) *gatewayResponse {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return &gatewayResponse{status: status, contentType: "text/html",
		body: "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"}
}

// eventALB is what a load balancer sends to a function. Of the two pairs of maps
// it has one, by the target group's lambda.multi_value_headers.enabled.
// Source: Elastic Load Balancing, lambda-functions.
type eventALB struct {
	RequestContext                  contextALB        `json:"requestContext"`
	HTTPMethod                      string            `json:"httpMethod"`
	Path                            string            `json:"path"`
	QueryStringParameters           map[string]string `json:"queryStringParameters,omitzero"`
	MultiValueQueryStringParameters values            `json:"multiValueQueryStringParameters,omitzero"`
	Headers                         map[string]string `json:"headers,omitzero"`
	MultiValueHeaders               values            `json:"multiValueHeaders,omitzero"`
	Body                            string            `json:"body"`
	IsBase64Encoded                 bool              `json:"isBase64Encoded"`
}

type contextALB struct {
	ELB struct {
		TargetGroupARN string `json:"targetGroupArn"`
	} `json:"elb"`
}

// albDoor serves a listener whose default action is one target group.
type albDoor struct {
	door
	group api.TargetGroup
}

// NewALB returns the door of a load balancer's target group with one function.
// Safe for concurrent use.
func NewALB(g api.TargetGroup, invoker Invoker, cfg Config) http.Handler {
	return &albDoor{door: newDoor(g.Name, 16, invoker, cfg), group: g}
}

// ServeHTTP carries one request to the function and back.
func (d *albDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := d.source.read(r)
	w.Header()["Server"] = []string{"awselb/2.0"}
	response, err := d.serve(w, r, in)
	if err != nil {
		d.refuse(w, r, in, err, albFailed)
		return
	}
	response.write(w, nil)
}

func (d *albDoor) serve(w http.ResponseWriter, r *http.Request, in *incoming) (*answer, error) {
	body, err := body(w, r, maxALB, albTooLarge)
	if err != nil {
		return nil, err
	}
	response, err := d.invoker.Invoke(r.Context(), invocation.Request{
		Function: d.group.Function,
		TraceID:  in.traceID,
		Payload:  encode(d.event(in, body)),
	})
	if err != nil {
		return nil, albFailed.because(err)
	}
	if response.FunctionError != "" {
		return nil, albFailed.because(errors.New("the function failed: " + response.FunctionError))
	}
	a, err := parseAnswerALB(response.Payload, d.group.MultiValueHeaders)
	if err != nil {
		return nil, albFailed.because(err)
	}
	return a, nil
}

func (d *albDoor) event(in *incoming, body []byte) *eventALB {
	e := &eventALB{HTTPMethod: in.method, Path: in.path}
	e.RequestContext.ELB.TargetGroupARN = "arn:aws:elasticloadbalancing:" + d.cfg.Region + ":" + d.cfg.Account +
		":targetgroup/" + d.group.Name + "/" + d.apiID
	headers := make(values, len(in.headers.byName)+1)
	for name, all := range in.headers.byName {
		headers[strings.ToLower(name)] = all
	}
	if len(body) > 0 {
		headers["content-length"] = []string{fmt.Sprint(len(body))}
	}
	query := splitQuery(in.rawQuery)
	if d.group.MultiValueHeaders {
		e.MultiValueHeaders, e.MultiValueQueryStringParameters = headers, query
	} else {
		e.Headers, e.QueryStringParameters = headers.singles(), query.singles()
		if e.QueryStringParameters == nil {
			e.QueryStringParameters = map[string]string{}
		}
	}
	contentType, _ := headers.last("content-type")
	_, encoded := headers["content-encoding"]
	if text, isBase64 := encodeBody(body, encoded || !isTextALB(contentType)); text != nil {
		e.Body, e.IsBase64Encoded = *text, isBase64
	}
	return e
}

// isTextALB reports whether a load balancer sends a body of this type as it is.
func isTextALB(contentType string) bool {
	media := strings.ToLower(mediaType(contentType))
	return strings.HasPrefix(media, "text/") ||
		slices.Contains([]string{"application/json", "application/javascript", "application/xml"}, media)
}

// splitQuery gives the parameters of a query as the client escaped them.
func splitQuery(raw string) values {
	query := values{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			query[name] = append(query[name], value)
		}
	}
	return query
}

// parseAnswerALB reads a function's answer to a load balancer. With multi, only
// multiValueHeaders count, and otherwise only headers.
func parseAnswerALB(payload []byte, multi bool) (*answer, error) {
	var fields struct {
		StatusCode        json.RawMessage `json:"statusCode"`
		Headers           json.RawMessage `json:"headers"`
		MultiValueHeaders json.RawMessage `json:"multiValueHeaders"`
		Body              json.RawMessage `json:"body"`
		IsBase64Encoded   json.RawMessage `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(payload, &fields); err != nil {
		return nil, fmt.Errorf("malformed answer: %w", err)
	}
	if notNull(fields.StatusCode) == nil {
		return nil, errors.New("malformed answer: there is no statusCode")
	}
	a := &answer{defaultType: "application/octet-stream"}
	var errs [4]error
	a.status, errs[0] = parseStatus(fields.StatusCode)
	if multi {
		a.header, errs[1] = parseMultiHeaders(notNull(fields.MultiValueHeaders))
	} else {
		a.header, errs[1] = parseHeaders(notNull(fields.Headers))
	}
	a.body, errs[2] = parseBody(notNull(fields.Body))
	a.isBase64, errs[3] = parseBool(notNull(fields.IsBase64Encoded))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("malformed answer: %w", err)
	}
	if len(payload) > maxALB {
		return nil, fmt.Errorf("answer of %d bytes is larger than %d", len(payload), maxALB)
	}
	a.header = mergeHeaders(nil, a.header)
	return a, a.decodeAlways()
}
