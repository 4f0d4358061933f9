package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/invocation"
)

// httpTimeout is how long an HTTP API's integration may take at most.
// Source: Amazon API Gateway developer guide, http-api-quotas.
const httpTimeout = 30 * time.Second

// The answers of an HTTP API's own. In HTTP APIs capitals differ from REST APIs,
// and there is no x-amzn-ErrorType.
// Source: Amazon API Gateway developer guide, http-api-troubleshooting-lambda.
var (
	httpNotFound    = &gatewayResponse{status: http.StatusNotFound, body: `{"message":"Not Found"}`}
	httpBadRequest  = &gatewayResponse{status: http.StatusBadRequest, body: `{"message":"Bad Request"}`}
	httpTooLarge    = &gatewayResponse{status: http.StatusRequestEntityTooLarge, body: `{"message":"Request Entity Too Large"}`}
	httpFailed      = &gatewayResponse{status: http.StatusInternalServerError, body: `{"message":"Internal Server Error"}`}
	httpUnavailable = &gatewayResponse{status: http.StatusServiceUnavailable, body: `{"message":"Service Unavailable"}`}
)

// httpDoor serves one HTTP API.
type httpDoor struct {
	door
	api    api.HTTP
	routes routes[*api.HTTPRoute]
	rest   *api.HTTPRoute // $default; nil if the API has none

	authorizers *authorizers
}

// NewHTTP returns the door of an HTTP API. As for [NewREST], no http.ServeMux may
// stand before it. Its functions never have a tenant: an HTTP API can't set the
// header that names one, so that Lambda refuses to run an isolated function.
// Safe for concurrent use.
func NewHTTP(a api.HTTP, invoker Invoker, cfg Config) http.Handler {
	d := &httpDoor{door: newDoor(a.LogicalID, 10, invoker, cfg), api: a}
	d.authorizers = newAuthorizers(&d.door)
	for i := range a.Routes {
		route := &a.Routes[i]
		if route.Path == "$default" {
			d.rest = route
		} else {
			d.routes.add(route.Path, route.Method, route)
		}
	}
	return d
}

// ServeHTTP carries one request to its function and back.
func (d *httpDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := d.source.read(r)
	in.requestID = in.extendedID // an HTTP API has only the one
	w.Header()["apigw-requestid"] = []string{in.requestID}

	cors := d.api.CORS
	if isPreflight(r) && cors != nil {
		preflight(cors, r, w.Header())
		w.WriteHeader(http.StatusNoContent)
		return
	}
	response, err := d.serve(w, r, in)
	if cors != nil {
		crossOrigin(cors, r, w.Header())
	}
	if err != nil {
		d.refuse(w, r, in, err, httpFailed)
		return
	}
	if cors != nil {
		response.dropCORS()
	}
	response.write(w, nil)
}

func (d *httpDoor) serve(w http.ResponseWriter, r *http.Request, in *incoming) (*answer, error) {
	if err := checkHeaders(r); err != nil {
		return nil, err
	}
	path, ok := decodeTwice(in.path)
	if !ok {
		return nil, httpBadRequest
	}
	in.path = path
	inStage := path
	if d.api.Stage != "$default" {
		if inStage, ok = strings.CutPrefix(path, "/"+d.api.Stage); !ok || inStage != "" && inStage[0] != '/' {
			return nil, httpNotFound
		}
	}
	route, params := d.choose(in.method, inStage)
	if route == nil {
		return nil, httpNotFound
	}
	told, err := d.authorize(r.Context(), route, in, params)
	if err != nil {
		return nil, err
	}
	body, err := body(w, r, maxBody, httpTooLarge)
	if err != nil {
		return nil, err
	}
	if route.IAM {
		who, err := d.verify(r, body, "execute-api", httpForbidden)
		if err != nil {
			return nil, httpForbidden.because(err)
		}
		told = d.iamV2(who)
	}
	req := invocation.Request{Function: route.Function, TraceID: in.traceID}
	if route.PayloadFormat == "1.0" {
		e := d.eventV1(in, route, params, body)
		e.RequestContext.Authorizer = told
		req.Payload = encode(e)
	} else {
		e := d.eventV2(in, route.Key(), params, body)
		e.RequestContext.Authorizer = told
		if told != nil && !route.IAM {
			e.RequestContext.Authorizer = map[string]any{"lambda": told}
		}
		req.Payload = encode(e)
	}

	timeout := httpTimeout
	if route.Timeout != 0 {
		timeout = route.Timeout
	}
	response, err := d.call(r.Context(), timeout, req)
	switch {
	case errors.Is(err, errIntegrationTimeout):
		return nil, httpUnavailable.because(err)
	case err != nil:
		return nil, httpFailed.because(err)
	case response.FunctionError != "":
		return nil, httpFailed.because(errors.New("the function failed: " + response.FunctionError))
	}
	a, err := d.answer(route, response.Payload)
	if err != nil {
		return nil, httpFailed.because(err)
	}
	return a, nil
}

// answer reads a function's payload in the format of its route.
func (d *httpDoor) answer(route *api.HTTPRoute, payload []byte) (*answer, error) {
	parse := parseAnswerV2
	if route.PayloadFormat == "1.0" {
		parse = parseAnswer
	}
	a, err := parse(payload)
	if err != nil {
		return nil, err
	}
	a.defaultType = "text/plain;charset=UTF-8"
	return a, a.decodeAlways()
}

// choose finds the route of a request: the most specific of those whose path and
// method fit, greedy ones after all others, and last of all $default. nil if there
// is none.
// Source: Amazon API Gateway developer guide, http-api-develop-routes.
func (d *httpDoor) choose(method, path string) (*api.HTTPRoute, map[string]string) {
	fitting := make(routes[*api.HTTPRoute], 0, len(d.routes))
	for _, r := range d.routes {
		if _, ok := r.method(method); ok {
			fitting = append(fitting, r)
		}
	}
	if found, params, ok := fitting.matchDecoded(path); ok {
		route, _ := found.method(method)
		return route, params
	}
	return d.rest, nil
}

// decodeTwice gives a path as HTTP APIs show it, which is not what their guide
// says: it is decoded, cut where a question mark has come to light, and decoded
// again. What can't be decoded the second time is refused. So %2F separates
// segments, and so does %252F.
// Source: events that AWS sent in July 2026 (hotsock/voker, ingress-paths.json).
func decodeTwice(escaped string) (string, bool) {
	once, err := url.PathUnescape(escaped)
	if err != nil {
		return "", false
	}
	once, _, _ = strings.Cut(once, "?")
	twice, err := url.PathUnescape(once)
	return twice, err == nil
}
