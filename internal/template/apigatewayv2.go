package template

import (
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
)

// The plain forms of an HTTP API, AWS::ApiGatewayV2::*.
// Source: AWS CloudFormation template reference, AWS_ApiGatewayV2.

// partOfHTTP are the types that are read with the API that they belong to.
func partOfHTTP(typ string) bool {
	switch typ {
	case "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Deployment",
		"AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage":
		return true
	}
	return false
}

// plainHTTP makes the HTTP API of a resource, once for each stage.
func (m *maker) plainHTTP(r *resource) {
	o, ok := m.object(r.properties, "an HTTP API")
	if !ok {
		return
	}
	o.check(map[string]support{
		"ApiKeySelectionExpression": ignore, "BasePath": ignore, "Body": reads,
		"BodyS3Location":    later("a definition in S3 is not read; write it as Body"),
		"CorsConfiguration": reads, "CredentialsArn": ignore, "Description": ignore, "DisableExecuteApiEndpoint": ignore,
		"DisableSchemaValidation": ignore, "FailOnWarnings": ignore, "IpAddressType": ignore, "Name": ignore, "ProtocolType": reads,
		"RouteKey": reads, "RouteSelectionExpression": ignore, "Tags": ignore, "Target": reads, "Version": ignore,
	})
	if kind, ok := o.choice("ProtocolType", "HTTP", "WEBSOCKET"); ok && kind == "WEBSOCKET" {
		m.notice(o.get("ProtocolType"), "WebSocket APIs are not supported yet; "+r.id+" is left out")
		return
	}
	stages := m.of("AWS::ApiGatewayV2::Stage", "ApiId", r.id)
	if len(stages) == 0 && !o.has("Target") {
		m.notice(r.key, r.id+" has no stage, so nobody can reach it")
		return
	}
	if o.has("Target") { // API Gateway then makes the stage, too
		stages = append(stages, object{s: m.scope, n: o.n.as(mapping), what: "a stage"})
	}
	for _, s := range stages {
		a := &httpAPI{HTTP: &api.HTTP{LogicalID: r.id, Stage: defaultStage}}
		if s.id != "" {
			s.check(map[string]support{
				"AccessLogSettings": serverlessHTTPProperties["AccessLogSettings"], "AccessPolicyId": ignore, "ApiId": reads, "AutoDeploy": ignore,
				"ClientCertificateId": ignore, "DefaultRouteSettings": ignore, "DeploymentId": ignore, "Description": ignore,
				"RouteSettings": ignore, "StageName": reads, "StageVariables": reads, "Tags": ignore,
			})
			s.require("StageName", "StageName: $default")
			if name, ok := s.text("StageName"); ok {
				m.httpStage(a, s.get("StageName"), name)
			}
			m.httpVariables(a, s, "StageVariables")
		}
		if c, ok := o.object("CorsConfiguration", "CorsConfiguration"); ok {
			a.CORS = m.cors(c, corsInResource)
		}
		m.http = append(m.http, a)
		if body := o.get("Body"); body != nil {
			m.httpDefinition(a, body)
		}
		if target, ok := o.text("Target"); ok {
			route := api.HTTPRoute{Path: defaultRoute}
			if key, ok := o.text("RouteKey"); ok {
				route.Method, route.Path = splitKey(key)
			}
			if route.Function, ok = m.httpTarget(a.Variables, o.get("Target"), target); ok {
				m.addHTTPRoute(a, route, o.get("Target"))
			}
		}
		m.plainHTTPAuthorizers(a)
		m.plainRoutes(a)
	}
}

// splitKey takes a route key apart: "GET /pets", or "$default".
func splitKey(key string) (method, path string) {
	method, path, ok := strings.Cut(key, " ")
	if !ok {
		return "", key
	}
	return method, path
}

func (m *maker) plainHTTPAuthorizers(a *httpAPI) {
	for _, o := range m.of("AWS::ApiGatewayV2::Authorizer", "ApiId", a.LogicalID) {
		o.check(map[string]support{
			"ApiId": reads, "AuthorizerCredentialsArn": ignore, "AuthorizerPayloadFormatVersion": reads, "AuthorizerResultTtlInSeconds": reads,
			"AuthorizerType": reads, "AuthorizerUri": reads, "EnableSimpleResponses": reads, "IdentitySource": reads,
			"IdentityValidationExpression": ignore, "JwtConfiguration": reads, "Name": reads,
		})
		a.set(o.id, guard{lambda: m.plainHTTPAuthorizer(a, o)})
	}
}

func (m *maker) plainHTTPAuthorizer(a *httpAPI, o object) *api.Authorizer {
	kind, ok := o.choice("AuthorizerType", "REQUEST", "JWT")
	if !ok {
		o.require("AuthorizerType", "AuthorizerType: REQUEST")
		return nil
	}
	if kind == "JWT" {
		m.notice(o.get("AuthorizerType"), "authorization by JWT"+openRoutes)
		return nil
	}
	out := &api.Authorizer{Kind: api.Request}
	o.require("AuthorizerUri", "AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations")
	uri, ok := o.text("AuthorizerUri")
	if !ok {
		return nil
	}
	if out.Function, ok = m.target(a.Variables, o.get("AuthorizerUri"), uri); !ok {
		return nil
	}
	out.PayloadFormat, _ = o.choice("AuthorizerPayloadFormatVersion", "1.0", "2.0")
	out.Simple, _ = o.flag("EnableSimpleResponses")
	if s, ok := o.whole("AuthorizerResultTtlInSeconds", 0, maxAuthorizerTTL, " s"); ok {
		out.TTL = time.Duration(s) * time.Second
	}
	for _, source := range o.list("IdentitySource") {
		if !m.httpIdentity(source, source.text, out) {
			return nil
		}
	}
	m.checkIdentity(o.n, out)
	return out
}

// httpIdentity adds "$request.header.X" to what identifies a caller.
func (m *maker) httpIdentity(at *node, written string, a *api.Authorizer) bool {
	source, ok := parseHTTPSource(written)
	if !ok {
		m.fault(at, quote(written)+" does not identify a caller",
			"$request.header.NAME, $request.querystring.NAME, $context.NAME or $stageVariables.NAME")
		return false
	}
	a.Identity = append(a.Identity, source)
	return true
}

// parseHTTPSource reads an HTTP API's way to name a part of a request.
// Source: Amazon API Gateway developer guide, http-api-lambda-authorizer.
func parseHTTPSource(written string) (api.Source, bool) {
	for prefix, source := range map[string]func(string) api.Source{
		"$request.header.":      func(n string) api.Source { return api.Source{In: api.Header, Name: n} },
		"$request.querystring.": func(n string) api.Source { return api.Source{In: api.QueryString, Name: n} },
		"$context.":             func(n string) api.Source { return api.Source{Context: n} },
		"$stageVariables.":      func(n string) api.Source { return api.Source{Variable: n} },
	} {
		if name, ok := strings.CutPrefix(written, prefix); ok && parameterName.MatchString(name) {
			return source(name), true
		}
	}
	return api.Source{}, false
}

// plainRoutes adds the routes that are resources of their own.
func (m *maker) plainRoutes(a *httpAPI) {
	integrations := map[string]object{}
	for _, o := range m.of("AWS::ApiGatewayV2::Integration", "ApiId", a.LogicalID) {
		o.check(map[string]support{
			"ApiId": reads, "ConnectionId": ignore, "ConnectionType": ignore, "ContentHandlingStrategy": ignore, "CredentialsArn": ignore,
			"Description": ignore, "IntegrationMethod": ignore, "IntegrationSubtype": reads, "IntegrationType": reads, "IntegrationUri": reads,
			"PassthroughBehavior": ignore, "PayloadFormatVersion": reads, "RequestParameters": httpIntegrationProperties["requestParameters"],
			"RequestTemplates": ignore, "ResponseParameters": httpIntegrationProperties["responseParameters"],
			"TemplateSelectionExpression": ignore, "TimeoutInMillis": reads, "TlsConfig": ignore,
		})
		integrations[o.id] = o
	}
	for _, o := range m.of("AWS::ApiGatewayV2::Route", "ApiId", a.LogicalID) {
		o.check(map[string]support{
			"ApiId": reads, "ApiKeyRequired": ignore, "AuthorizationScopes": ignore, "AuthorizationType": reads, "AuthorizerId": reads,
			"ModelSelectionExpression": ignore, "OperationName": ignore, "RequestModels": ignore, "RequestParameters": ignore,
			"RouteKey": reads, "RouteResponseSelectionExpression": ignore, "Target": reads,
		})
		m.plainRoute(a, o, integrations)
	}
}

func (m *maker) plainRoute(a *httpAPI, o object, integrations map[string]object) {
	o.require("RouteKey", `RouteKey: "GET /"`)
	o.require("Target", "Target: !Sub integrations/${Integration}")
	key, ok1 := o.text("RouteKey")
	target, ok2 := o.text("Target")
	if !ok1 || !ok2 {
		return
	}
	route := api.HTTPRoute{}
	route.Method, route.Path = splitKey(key)
	if route.Method == "" && route.Path != defaultRoute {
		m.fault(o.get("RouteKey"), quote(key)+" is not a route", `a method and a path, "GET /pets/{id}", or $default`)
		return
	}
	if route.Path != defaultRoute {
		var ok bool
		if route.Method, ok = m.httpMethod(o.get("RouteKey"), route.Method); !ok || !m.checkResource(o.get("RouteKey"), route.Path) {
			return
		}
	}
	id, isIntegration := strings.CutPrefix(target, "integrations/")
	i, known := integrations[id]
	if !isIntegration || !known {
		m.fault(o.get("Target"), quote(target)+" is no integration of "+a.LogicalID, "!Sub integrations/${Integration}")
		return
	}
	switch kind, _ := o.text("AuthorizationType"); kind {
	case "", "NONE":
	case "AWS_IAM":
		route.IAM = true
	case "CUSTOM":
		if name, ok := o.text("AuthorizerId"); ok && m.known(&a.authorizers, a.LogicalID, o.get("AuthorizerId"), name) {
			route.Authorizer = a.byName[name].lambda
		}
	default:
		m.notice(o.get("AuthorizationType"), "authorization of type "+kind+openRoutes)
	}
	i.require("IntegrationType", "IntegrationType: AWS_PROXY")
	kind, ok := i.text("IntegrationType")
	if !ok {
		return
	}
	if kind != "AWS_PROXY" || i.has("IntegrationSubtype") {
		m.notice(i.get("IntegrationType"), "integrations of this kind are not supported yet; "+route.Key()+" is left out")
		return
	}
	m.httpSettings(i, "PayloadFormatVersion", "TimeoutInMillis", &route)
	i.require("IntegrationUri", "IntegrationUri: !GetAtt Function.Arn")
	uri, ok := i.text("IntegrationUri")
	if !ok {
		return
	}
	if route.Function, ok = m.httpTarget(a.Variables, i.get("IntegrationUri"), uri); ok {
		m.addHTTPRoute(a, route, o.n)
	}
}
