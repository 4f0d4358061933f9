package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/intake"
	"github.com/berthdev/berth/internal/invocation"
)

// Limits of a REST API.
// Source: Amazon API Gateway developer guide, limits.
const (
	maxBody            = 10 << 20 // bytes
	integrationTimeout = 29 * time.Second
)

// errIntegrationTimeout is why an invocation's context ended when the function
// took longer than the integration may.
var errIntegrationTimeout = errors.New("the integration's timeout has passed")

// restDoor serves one REST API.
type restDoor struct {
	api                 api.REST
	routes              routes[*api.Route]
	apiID, deploymentID string
	invoker             Invoker
	cfg                 Config
	source              source
}

// NewREST returns the door of a REST API. It reads paths as clients escape them,
// so it must not stand behind an http.ServeMux, which redirects paths that it
// would clean. Safe for concurrent use.
func NewREST(a api.REST, invoker Invoker, cfg Config) http.Handler {
	d := &restDoor{
		api:          a,
		apiID:        resourceName(10, a.LogicalID),
		deploymentID: resourceName(6, a.LogicalID+"/"+a.Stage),
		invoker:      invoker,
		cfg:          cfg.withDefaults(),
		source:       newSource(),
	}
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
	if err == nil {
		response.write(w)
		return
	}
	if r.Context().Err() != nil {
		return // the client has left
	}
	var refused *gatewayResponse
	if !errors.As(err, &refused) {
		refused = internalError
	}
	if refused.status >= http.StatusInternalServerError {
		d.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("api", d.api.LogicalID),
			slog.String("requestId", in.requestID), slog.String("path", in.path), slog.Any("error", err))
	}
	refused.write(w)
}

// serve does all that can fail: a *gatewayResponse in the error's chain is what
// the client gets instead of the function's answer.
func (d *restDoor) serve(w http.ResponseWriter, r *http.Request, in *incoming) (*answer, error) {
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
	if route.ValidateParameters {
		if names := missing(route.Parameters, in, params); len(names) > 0 {
			return nil, missingParameters(names)
		}
	}
	body, err := intake.Read(w, r, maxBody)
	if err != nil {
		if _, ok := errors.AsType[*intake.TooLargeError](err); ok {
			return nil, bodyTooLarge
		}
		return nil, &gatewayResponse{status: http.StatusRequestTimeout, kind: "BadRequestException",
			body: `{"message":"The request's body did not arrive whole"}`, err: err}
	}

	rc := d.context(in, route.Resource)
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

// invoke calls the function and reads its answer.
func (d *restDoor) invoke(ctx context.Context, route *api.Route, in *incoming, req invocation.Request) (*answer, error) {
	timeout := route.Timeout
	if timeout == 0 {
		timeout = integrationTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errIntegrationTimeout)
	defer cancel()
	response, err := d.invoker.Invoke(ctx, req)
	if errors.Is(context.Cause(ctx), errIntegrationTimeout) {
		return nil, timedOut.because(context.Cause(ctx))
	}
	if err != nil {
		return nil, refusedByLambda(err)
	}
	if response.FunctionError != "" {
		return nil, badGateway.because(errors.New("the function failed: " + response.FunctionError))
	}
	a, err := parseAnswer(response.Payload)
	if err != nil {
		return nil, badGateway.because(err)
	}
	if err := a.decode(in.headers.get("Accept"), d.api.BinaryMediaTypes); err != nil {
		return nil, badGateway.because(err)
	}
	a.traceID = response.TraceID
	if a.traceID == "" {
		a.traceID = in.traceID
	}
	return a, nil
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
