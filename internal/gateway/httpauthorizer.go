package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
)

// httpAuthorizerTimeout is how long an HTTP API's authorizer may take.
// Source: Amazon API Gateway developer guide, http-api-lambda-authorizer.
const httpAuthorizerTimeout = 10 * time.Second

// What an HTTP API's client gets when an authorizer keeps it out.
// Source: Amazon API Gateway developer guide, http-api-lambda-authorizer.
var (
	httpUnauthorized = &gatewayResponse{status: http.StatusUnauthorized, body: `{"message":"Unauthorized"}`}
	httpForbidden    = &gatewayResponse{status: http.StatusForbidden, body: `{"message":"Forbidden"}`}
)

// authorizerEventV2 is what an HTTP API's authorizer gets in format 2.0.
// Source: Amazon API Gateway developer guide, http-api-lambda-authorizer.
type authorizerEventV2 struct {
	Version               string            `json:"version"`
	Type                  string            `json:"type"`
	RouteARN              string            `json:"routeArn"`
	IdentitySource        []string          `json:"identitySource"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        contextV2         `json:"requestContext"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	StageVariables        map[string]string `json:"stageVariables,omitempty"`
}

// authorizerEventV1 is what an HTTP API's authorizer gets in format 1.0.
// Source: Amazon API Gateway developer guide, http-api-lambda-authorizer.
type authorizerEventV1 struct {
	Version               string            `json:"version"`
	Type                  string            `json:"type"`
	MethodARN             string            `json:"methodArn"`
	IdentitySource        string            `json:"identitySource"`
	AuthorizationToken    string            `json:"authorizationToken"`
	Resource              string            `json:"resource"`
	Path                  string            `json:"path"`
	HTTPMethod            string            `json:"httpMethod"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters"`
	PathParameters        map[string]string `json:"pathParameters"`
	StageVariables        map[string]string `json:"stageVariables"`
	RequestContext        contextV1         `json:"requestContext"`
}

// authorize asks the route's authorizer, if it has one. What it tells the function
// is nil without one.
func (d *httpDoor) authorize(ctx context.Context, route *api.HTTPRoute, in *incoming, params map[string]string) (map[string]any, error) {
	a := route.Authorizer
	if a == nil {
		return nil, nil
	}
	variables := d.api.Variables
	rc := d.contextV1(in, route)
	identity, err := identity(a, in, params, variables, rc.lookup)
	if err != nil {
		return nil, httpUnauthorized
	}
	path := strings.TrimPrefix(in.path, "/"+d.api.Stage)
	arns := d.methodARNs(d.api.Stage, in.method, path)
	at := attempt{
		identity: identity,
		arns:     arns,
		timeout:  httpAuthorizerTimeout,
		parse:    parsePolicyAnswer,
		event: func() any {
			e := d.eventV2(in, route.Key(), params, nil)
			delete(e.Headers, "content-length") // the body isn't read yet
			return &authorizerEventV2{
				Version: "2.0", Type: string(api.Request), RouteARN: arns[0], IdentitySource: identity,
				RouteKey: e.RouteKey, RawPath: e.RawPath, RawQueryString: e.RawQueryString, Cookies: e.Cookies, Headers: e.Headers,
				QueryStringParameters: e.QueryStringParameters, RequestContext: e.RequestContext,
				PathParameters: params, StageVariables: variables,
			}
		},
	}
	switch {
	case a.PayloadFormat == "1.0":
		joined := strings.Join(identity, ",")
		at.event = func() any {
			return &authorizerEventV1{
				Version: "1.0", Type: string(api.Request), MethodARN: arns[0], IdentitySource: joined, AuthorizationToken: joined,
				Resource: route.Path, Path: in.path, HTTPMethod: in.method,
				Headers: headersV1(in).singles(), QueryStringParameters: in.query.singles(),
				PathParameters: params, StageVariables: variables, RequestContext: rc,
			}
		}
	case a.Simple:
		at.parse = parseSimpleAnswer
	}
	g, err := d.authorizers.admit(ctx, a, at)
	switch {
	case errors.Is(err, errUnauthorized):
		return nil, httpUnauthorized
	case errors.Is(err, errDenied), errors.Is(err, errNotAllowed):
		return nil, httpForbidden
	case err != nil:
		return nil, httpFailed.because(err)
	case g.context == nil:
		return map[string]any{}, nil
	}
	return g.context, nil
}
