package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// What a REST API's client gets when an authorizer keeps it out.
// Source: Amazon API Gateway developer guide, apigateway-use-lambda-authorizer and
// supported-gateway-response-types.
var (
	unauthorized     = &gatewayResponse{status: http.StatusUnauthorized, kind: "UnauthorizedException", body: `{"message":"Unauthorized"}`}
	accessDenied     = &gatewayResponse{status: http.StatusForbidden, kind: "AccessDeniedException", body: `{"Message":"User is not authorized to access this resource with an explicit deny"}`}
	accessNotAllowed = &gatewayResponse{status: http.StatusForbidden, kind: "AccessDeniedException", body: `{"Message":"User is not authorized to access this resource"}`}
	authorizerFailed = &gatewayResponse{status: http.StatusInternalServerError, kind: "AuthorizerConfigurationException", body: `{"message":null}`}
)

// tokenEvent is what a TOKEN authorizer gets.
// Source: Amazon API Gateway developer guide, api-gateway-lambda-authorizer-input.
type tokenEvent struct {
	Type               string `json:"type"`
	AuthorizationToken string `json:"authorizationToken"`
	MethodARN          string `json:"methodArn"`
}

// requestEvent is what a REQUEST authorizer gets: the function's event without a
// body.
// Source: Amazon API Gateway developer guide, api-gateway-lambda-authorizer-input.
type requestEvent struct {
	Type                            string            `json:"type"`
	MethodARN                       string            `json:"methodArn"`
	Resource                        string            `json:"resource"`
	Path                            string            `json:"path"`
	HTTPMethod                      string            `json:"httpMethod"`
	Headers                         map[string]string `json:"headers"`
	MultiValueHeaders               values            `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string `json:"queryStringParameters"`
	MultiValueQueryStringParameters values            `json:"multiValueQueryStringParameters"`
	PathParameters                  map[string]string `json:"pathParameters"`
	StageVariables                  map[string]string `json:"stageVariables"`
	RequestContext                  contextV1         `json:"requestContext"`
}

// authorize asks the route's authorizer, if it has one, and puts its answer into
// the request's context.
func (d *restDoor) authorize(ctx context.Context, route *api.Route, in *incoming, path string, params map[string]string, rc *contextV1) error {
	a := route.Authorizer
	if a == nil {
		return nil
	}
	begin := d.source.now()
	g, err := d.ask(ctx, a, in, route, path, params, rc)
	switch {
	case errors.Is(err, errNoIdentity), errors.Is(err, errUnauthorized):
		return unauthorized
	case errors.Is(err, errDenied):
		return accessDenied
	case errors.Is(err, errNotAllowed):
		return accessNotAllowed
	case err != nil:
		return authorizerFailed.because(err)
	}
	told, err := stringContext(g.context)
	if err != nil {
		return authorizerFailed.because(err)
	}
	rc.Authorizer = map[string]any{}
	for key, value := range told {
		rc.Authorizer[key] = value
	}
	rc.Authorizer["principalId"] = g.principalID
	rc.Authorizer["integrationLatency"] = d.source.now().Sub(begin).Milliseconds()
	return nil
}

func (d *restDoor) ask(ctx context.Context, a *api.Authorizer, in *incoming, route *api.Route, path string, params map[string]string, rc *contextV1) (*grant, error) {
	identity, err := identity(a, in, params, d.api.Variables, rc.lookup)
	if err != nil {
		return nil, err
	}
	arns := d.methodARNs(d.api.Stage, in.method, path)
	event := func() any {
		shown := in.headers.spelled()
		return &requestEvent{
			Type: string(api.Request), MethodARN: arns[0],
			Resource: route.Resource, Path: path, HTTPMethod: in.method,
			Headers: shown.singles(), MultiValueHeaders: shown,
			QueryStringParameters: in.query.singles(), MultiValueQueryStringParameters: in.query,
			PathParameters: params, StageVariables: d.api.Variables, RequestContext: *rc,
		}
	}
	if a.Kind == api.Token {
		token := strings.Join(identity, "")
		if token == "" || !d.authorizers.tokenMatches(a.Pattern, token) {
			return nil, errNoIdentity
		}
		event = func() any { return &tokenEvent{Type: string(api.Token), AuthorizationToken: token, MethodARN: arns[0]} }
	}
	return d.authorizers.admit(ctx, a, attempt{
		identity: identity,
		arns:     arns,
		event:    event,
		timeout:  integrationTimeout,
		parse: func(payload []byte) (*grant, error) {
			g, err := parsePolicyAnswer(payload)
			if err != nil {
				return nil, err
			}
			if g.principalID == "" {
				return nil, errors.New("there is no principalId")
			}
			_, err = stringContext(g.context)
			return g, err
		},
	})
}
