package gateway

import (
	"errors"
	"net/http"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
)

// The answers of a function URL's own. That of a failed function is not JSON,
// whatever its content type says.
// Source: AWS Lambda developer guide, urls-configuration and urls-invocation, and
// recorded answers (test_lambda_url_invocation_exception in LocalStack's tests).
var (
	urlFailed    = &gatewayResponse{status: http.StatusBadGateway, body: "Internal Server Error"}
	urlThrottled = &gatewayResponse{status: http.StatusTooManyRequests, kind: function.TooManyRequests, body: `{"Message":"Rate Exceeded."}`}
	urlTooLarge  = &gatewayResponse{status: http.StatusRequestEntityTooLarge, kind: function.RequestTooLarge, body: `{"Message":"Request Entity Too Large"}`}
)

// urlDoor serves one function URL.
type urlDoor struct {
	door
	url api.FunctionURL
}

// NewFunctionURL returns the door of a function URL. Safe for concurrent use.
func NewFunctionURL(u api.FunctionURL, invoker Invoker, cfg Config) http.Handler {
	return &urlDoor{door: newDoor(u.Function+"/"+u.Qualifier, 32, invoker, cfg), url: u}
}

// ServeHTTP carries one request to the function and back.
func (d *urlDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := d.source.read(r)
	w.Header()["x-amzn-RequestId"] = []string{in.requestID}

	cors := d.url.CORS
	if isPreflight(r) && cors != nil {
		preflight(cors, r, w.Header())
		w.WriteHeader(http.StatusOK)
		return
	}
	response, err := d.serve(w, r, in)
	if cors != nil {
		crossOrigin(cors, r, w.Header())
	}
	if err != nil {
		d.refuse(w, r, in, err, urlFailed)
		return
	}
	if cors != nil {
		response.dropCORS()
	}
	response.write(w, nil)
}

func (d *urlDoor) serve(w http.ResponseWriter, r *http.Request, in *incoming) (*answer, error) {
	body, err := body(w, r, function.MaxPayload, urlTooLarge)
	if err != nil {
		return nil, err
	}
	event := d.event(in, body)
	if d.url.IAM {
		who, err := d.verify(r, body, "lambda", urlForbidden)
		if err != nil {
			return nil, err
		}
		event.RequestContext.AccountID = d.cfg.Account
		event.RequestContext.Authorizer = d.iamV2(who)
	}
	response, err := d.invoker.Invoke(r.Context(), invocation.Request{
		ID:        in.requestID,
		Function:  d.url.Function,
		Qualifier: d.url.Qualifier,
		TraceID:   in.traceID,
		Payload:   encode(event),
		Stream:    d.url.Stream,
	})
	if err != nil {
		if refusal, ok := errors.AsType[*function.Refusal](err); ok {
			switch refusal.Type {
			case function.TooManyRequests:
				return nil, urlThrottled
			case function.RequestTooLarge:
				return nil, urlTooLarge
			}
		}
		return nil, urlFailed.because(err)
	}
	if response.FunctionError != "" {
		return nil, urlFailed.because(errors.New("the function failed: " + response.FunctionError))
	}
	a, err := d.answer(response)
	if err != nil {
		return nil, urlFailed.because(err)
	}
	if response.TraceID != "" {
		a.own("X-Amzn-Trace-Id", response.TraceID)
	}
	return a, nil
}

func (d *urlDoor) answer(response *invocation.Response) (*answer, error) {
	if response.Body != nil {
		return streamed(response)
	}
	a, err := parseAnswerV2(response.Payload)
	if err != nil {
		return nil, err
	}
	return a, a.decodeAlways()
}

// event is in format 2.0, as of an HTTP API that has only $default, but for three
// things: the path stays as the client escaped it, except in requestContext; the
// cookie header stays beside the cookies; and nobody's account is "anonymous".
// Source: AWS Lambda developer guide, urls-invocation, and an event that AWS sent
// in July 2026 (hotsock/voker, functionurl-request.json).
func (d *urlDoor) event(in *incoming, body []byte) *eventV2 {
	e := newEventV2(in, body)
	e.RouteKey, e.RequestContext.RouteKey = "$default", "$default"
	e.RequestContext.Stage = "$default"
	e.RequestContext.AccountID = "anonymous"
	e.RequestContext.APIID, e.RequestContext.DomainPrefix = d.apiID, d.apiID
	e.RequestContext.HTTP.Path = unescapePath(in.path)
	return e
}
