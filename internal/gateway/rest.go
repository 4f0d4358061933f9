package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
	"github.com/berthdev/berth/internal/sigv4"
)

// Limits of a REST API.
// Source: Amazon API Gateway developer guide, limits.
const (
	maxBody            = 10 << 20 // bytes
	integrationTimeout = 29 * time.Second
)

// restDoor serves one REST API.
type restDoor struct {
	door
	api          api.REST
	routes       routes[*api.Route]
	deploymentID string
	authorizers  *authorizers
}

// NewREST returns the door of a REST API. It reads paths as clients escape them,
// so it must not stand behind an http.ServeMux, which redirects paths that it
// would clean. Safe for concurrent use.
func NewREST(a api.REST, invoker Invoker, cfg Config) http.Handler {
	d := &restDoor{
		door:         newDoor(a.LogicalID, 10, invoker, cfg),
		api:          a,
		deploymentID: resourceName(6, a.LogicalID+"/"+a.Stage),
	}
	d.authorizers = newAuthorizers(&d.door)
	for i := range a.Routes {
		d.routes.add(a.Routes[i].Resource, a.Routes[i].Method, &a.Routes[i])
	}
	return d
}

// ServeHTTP carries one request to its function and back.
func (d *restDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := d.source.read(r)
	h := w.Header()
	h["x-amzn-RequestId"] = []string{in.requestID}
	h["x-amz-apigw-id"] = []string{in.extendedID}

	response, err := d.serve(w, r, in)
	if err != nil {
		d.refuse(w, r, in, err, internalError)
		return
	}
	response.write(w, remapped)
}

// serve does all that can fail: a *gatewayResponse in the error's chain is what
// the client gets instead of the function's answer.
func (d *restDoor) serve(w http.ResponseWriter, r *http.Request, in *incoming) (*answer, error) {
	if err := checkHeaders(r); err != nil {
		return nil, err
	}
	path, ok := cutStage(in.path, d.api.Stage)
	if !ok {
		return nil, missingToken
	}
	found, params, ok := d.routes.match(path)
	if !ok {
		return nil, missingToken
	}
	route, ok := found.method(in.method)
	if !ok {
		return nil, missingToken
	}
	rc := d.context(in, route.Resource)
	if err := d.authorize(r.Context(), route, in, path, params, &rc); err != nil {
		return nil, err
	}
	body, err := body(w, r, maxBody, bodyTooLarge)
	if err != nil {
		return nil, err
	}
	if route.IAM {
		who, err := d.verify(r, body, "execute-api", missingToken)
		if err != nil {
			return nil, err
		}
		d.identify(who, &rc)
	}
	if route.ValidateParameters {
		if names := missing(route.Parameters, in, params); len(names) > 0 {
			return nil, missingParameters(names)
		}
	}
	mapped := applyMappings(route.Mappings, in, params, d.api.Variables, &rc)
	req := invocation.Request{Function: route.Function, TraceID: in.traceID}
	if mapped.tenant != nil {
		if req.Tenant, err = function.ParseTenantID(*mapped.tenant); err != nil {
			return nil, refusedByLambda(err)
		}
	}
	req.Payload = d.event(in, route, path, params, rc, mapped, body)
	return d.invoke(r.Context(), route, in, req)
}

// invoke calls the function and reads its answer. The integration's timeout is for
// answers that come whole.
func (d *restDoor) invoke(ctx context.Context, route *api.Route, in *incoming, req invocation.Request) (*answer, error) {
	var response *invocation.Response
	var err error
	if req.Stream = route.Stream; route.Stream {
		response, err = d.invoker.Invoke(ctx, req)
	} else {
		response, err = d.call(ctx, cmp.Or(route.Timeout, integrationTimeout), req)
	}
	if err != nil {
		return nil, refusedByLambda(err)
	}
	if response.FunctionError != "" {
		return nil, badGateway.because(errors.New("the function failed: " + response.FunctionError))
	}
	a, err := d.answer(in, response)
	if err != nil {
		return nil, err
	}
	a.own("X-Amzn-Trace-Id", cmp.Or(response.TraceID, in.traceID))
	return a, nil
}

// answer reads what the function answered. A stream whose beginning is malformed
// is a 500, what comes whole and is malformed a 502.
func (d *restDoor) answer(in *incoming, response *invocation.Response) (*answer, error) {
	if response.Body != nil {
		a, err := streamed(response)
		if err != nil {
			return nil, internalError.because(err)
		}
		return a, nil
	}
	a, err := parseAnswer(response.Payload)
	if err != nil {
		return nil, badGateway.because(err)
	}
	if err := a.decode(in.headers.get("Accept"), d.api.BinaryMediaTypes); err != nil {
		return nil, badGateway.because(err)
	}
	return a, nil
}

// identify puts into the context who signed the request.
func (d *restDoor) identify(who *sigv4.Identity, rc *contextV1) {
	arn := d.userARN()
	rc.Identity.AccessKey, rc.Identity.AccountID = &who.AccessKeyID, &d.cfg.Account
	rc.Identity.Caller, rc.Identity.User, rc.Identity.UserARN = &who.AccessKeyID, &who.AccessKeyID, &arn
}

// cutStage takes the stage off a path. What is left begins with a slash. One
// slash too many after the stage is dropped, further ones are not.
func cutStage(path, stage string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/"+stage)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return "", false
	case rest == "":
		return "/", true
	case strings.HasPrefix(rest, "//"):
		return rest[1:], true
	}
	return rest, true
}
