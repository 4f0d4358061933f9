package template

import (
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// The plain forms of a REST API, AWS::ApiGateway::*: an API, its resources and
// methods (or a definition), and its stages. An API is read once for each stage,
// since a stage's variables can choose a function.
// Source: AWS CloudFormation template reference, AWS_ApiGateway.

// plainREST makes the REST API of a resource, once for each stage.
func (m *maker) plainREST(r *resource) {
	o, ok := m.object(r.properties, "an API")
	if !ok {
		return
	}
	o.check(map[string]support{
		"ApiKeySourceType": ignore, "BinaryMediaTypes": reads, "Body": reads,
		"BodyS3Location": later("a definition in S3 is not read; write it as Body"),
		"CloneFrom":      later("APIs are not cloned"),
		"Description":    ignore, "DisableExecuteApiEndpoint": ignore, "EndpointAccessMode": ignore, "EndpointConfiguration": ignore,
		"FailOnWarnings": ignore, "MinimumCompressionSize": serverlessAPIProperties["MinimumCompressionSize"],
		"Mode": ignore, "Name": ignore, "Parameters": ignore, "Policy": later("resource policies are not enforced yet"),
		"SecurityPolicy": ignore, "Tags": ignore,
	})
	stages := m.stages(r)
	if len(stages) == 0 {
		m.notice(r.key, r.id+" has no stage, so nobody can reach it")
	}
	for _, s := range stages {
		a := m.newAPI(r.id, o)
		a.Stage, a.Variables = s.name, s.variables
		m.rest = append(m.rest, a)
		if body := o.get("Body"); body != nil {
			m.openAPI(a, body)
		}
		m.plainAuthorizers(a)
		m.plainMethods(a)
	}
}

// strayParts notes the parts of APIs that belong to none of them.
func (m *maker) strayParts() {
	for _, r := range m.resources {
		owner, plain, serverless := "RestApiId", "AWS::ApiGateway::RestApi", "AWS::Serverless::Api"
		if partOfHTTP(r.typ) {
			owner, plain, serverless = "ApiId", "AWS::ApiGatewayV2::Api", "AWS::Serverless::HttpApi"
		}
		if !partOfREST(r.typ) && !partOfHTTP(r.typ) || r.typ == plain {
			continue
		}
		o, ok := m.object(r.properties, "a resource of type "+r.typ)
		if !ok {
			continue
		}
		o.require(owner, owner+": !Ref Api")
		id, ok := o.text(owner)
		if !ok {
			continue
		}
		switch of := m.resource(id); {
		case of != nil && of.typ == plain:
		case of != nil && of.typ == serverless:
			m.notice(o.get(owner), r.typ+" is not supported yet for an "+serverless+"; "+r.id+" is left out")
		default:
			m.fault(o.get(owner), quote(id)+" is no API of this template", owner+": !Ref and the name of an "+plain)
		}
	}
}

// of lists the resources of a type that belong to an API, in the order of the
// source. owner is the property that names it.
func (m *maker) of(typ, owner, id string) []object {
	var all []object
	for _, r := range m.resources {
		if r.typ != typ {
			continue
		}
		o, ok := m.object(r.properties, "a resource of type "+typ)
		if !ok {
			continue
		}
		if of, ok := o.text(owner); ok && of == id {
			o.id = r.id
			all = append(all, o)
		}
	}
	return all
}

// stage is one deployment of an API under a name.
type stage struct {
	name      string
	variables map[string]string
}

// stages are those that stand by themselves, and those that deployments name.
func (m *maker) stages(r *resource) []stage {
	var all []stage
	add := func(o object, at object) {
		name, ok := o.text("StageName")
		if !ok {
			return
		}
		if !stageName.MatchString(name) {
			m.fault(o.get("StageName"), quote(name)+" is not the name of a stage", "1 to 128 of letters, digits, - and _")
			return
		}
		if slices.ContainsFunc(all, func(s stage) bool { return s.name == name }) {
			m.fault(o.get("StageName"), r.id+" has a stage "+quote(name)+" already", "")
			return
		}
		s := stage{name: name}
		for _, f := range at.strings("Variables", "Variables") {
			if s.variables == nil {
				s.variables = map[string]string{}
			}
			s.variables[f.key.text] = f.value.text
		}
		all = append(all, s)
	}
	for _, o := range m.of("AWS::ApiGateway::Stage", "RestApiId", r.id) {
		o.check(map[string]support{
			"AccessLogSetting": serverlessAPIProperties["AccessLogSetting"], "CacheClusterEnabled": ignore, "CacheClusterSize": ignore,
			"CanarySetting": ignore, "ClientCertificateId": ignore, "DeploymentId": reads, "Description": ignore, "DocumentationVersion": ignore,
			"MethodSettings": ignore, "RestApiId": reads, "StageName": reads, "Tags": ignore, "TracingEnabled": ignore, "Variables": reads,
		})
		o.require("StageName", "StageName: Prod")
		add(o, o)
	}
	for _, o := range m.of("AWS::ApiGateway::Deployment", "RestApiId", r.id) {
		description, _ := o.object("StageDescription", "StageDescription")
		if description.n == nil {
			description = object{s: m.scope, n: o.n.as(mapping)}
		}
		add(o, description)
	}
	return all
}

// plainAuthorizers reads the authorizers that are resources of their own. They
// are known by their logical IDs.
func (m *maker) plainAuthorizers(a *restAPI) {
	for _, o := range m.of("AWS::ApiGateway::Authorizer", "RestApiId", a.LogicalID) {
		o.check(map[string]support{
			"AuthType": ignore, "AuthorizerCredentials": ignore, "AuthorizerResultTtlInSeconds": reads, "AuthorizerUri": reads,
			"IdentitySource": reads, "IdentityValidationExpression": reads, "Name": reads, "ProviderARNs": reads, "RestApiId": reads, "Type": reads,
		})
		a.set(o.id, guard{lambda: m.authorizer(a.Variables, o.n, o, authorizerSpelling{
			"Type", "AuthorizerUri", "AuthorizerResultTtlInSeconds", "IdentitySource", "IdentityValidationExpression",
		}, "", defaultAuthorizerTTL)})
	}
}

// plainMethods adds the methods that are resources of their own.
func (m *maker) plainMethods(a *restAPI) {
	paths := m.resourcePaths(a)
	validators := map[string]bool{}
	for _, o := range m.of("AWS::ApiGateway::RequestValidator", "RestApiId", a.LogicalID) {
		validators[o.id], _ = o.flag("ValidateRequestParameters")
		if body, ok := o.flag("ValidateRequestBody"); ok && body {
			m.notice(o.n.get("ValidateRequestBody"), "bodies are not validated yet")
		}
	}
	for _, o := range m.of("AWS::ApiGateway::Method", "RestApiId", a.LogicalID) {
		o.check(map[string]support{
			"ApiKeyRequired": reads, "AuthorizationScopes": ignore, "AuthorizationType": reads, "AuthorizerId": reads, "HttpMethod": reads,
			"Integration": reads, "MethodResponses": ignore, "OperationName": ignore, "RequestModels": ignore, "RequestParameters": reads,
			"RequestValidatorId": reads, "ResourceId": reads, "RestApiId": reads,
		})
		m.plainMethod(a, o, paths, validators)
	}
}

func (m *maker) plainMethod(a *restAPI, o object, paths map[string]string, validators map[string]bool) {
	o.require("HttpMethod", "HttpMethod: GET")
	o.require("ResourceId", "ResourceId: !GetAtt Api.RootResourceId")
	method, ok1 := o.text("HttpMethod")
	id, ok2 := o.text("ResourceId")
	if !ok1 || !ok2 {
		return
	}
	route := api.Route{Method: strings.ToUpper(method)}
	if route.Method != "ANY" && !slices.Contains(httpMethods, strings.ToLower(method)) {
		m.fault(o.get("HttpMethod"), quote(method)+" is not a method of API Gateway", didYouMean(strings.ToLower(method), append([]string{"any"}, httpMethods...)))
		return
	}
	var known bool
	if route.Resource, known = paths[id]; !known {
		m.fault(o.get("ResourceId"), quote(id)+" is no resource of "+a.LogicalID, "!GetAtt "+a.LogicalID+".RootResourceId, or !Ref and an AWS::ApiGateway::Resource")
		return
	}
	if declared, ok := o.object("RequestParameters", "RequestParameters"); ok {
		for _, f := range declared.n.fields {
			p, ok := parseParameter(f.key.text, api.Path, api.QueryString, api.Header)
			if !ok {
				m.fault(f.key, quote(f.key.text)+" is not a request parameter", "such as method.request.querystring.tenant-id")
				continue
			}
			p.Required, _ = declared.flag(f.key.text)
			route.Parameters = append(route.Parameters, p)
		}
	}
	if validator, ok := o.text("RequestValidatorId"); ok {
		checks, known := validators[validator]
		if !known {
			m.fault(o.get("RequestValidatorId"), quote(validator)+" is no validator of "+a.LogicalID, "!Ref and an AWS::ApiGateway::RequestValidator")
		}
		route.ValidateParameters = checks
	}
	if required, ok := o.flag("ApiKeyRequired"); ok && required {
		m.notice(o.n.get("ApiKeyRequired"), "API keys are not asked for yet")
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
	if !o.has("Integration") {
		m.fault(o.n, "the method has no integration", "Integration: {Type: AWS_PROXY, IntegrationHttpMethod: POST, Uri: …}")
		return
	}
	if i, ok := o.object("Integration", "an integration"); ok && m.integration(a, i, inMethod, &route) {
		m.addRoute(a, route, o.n)
	}
}

// resourcePaths are the paths of an API's resources by their IDs. The API's own
// ID stands for its root.
func (m *maker) resourcePaths(a *restAPI) map[string]string {
	type part struct {
		o            object
		parent, name string
	}
	parts := map[string]part{}
	var ids []string
	for _, o := range m.of("AWS::ApiGateway::Resource", "RestApiId", a.LogicalID) {
		o.check(map[string]support{"ParentId": reads, "PathPart": reads, "RestApiId": reads})
		o.require("ParentId", "ParentId: !GetAtt "+a.LogicalID+".RootResourceId")
		o.require("PathPart", "PathPart: orders")
		parent, ok1 := o.text("ParentId")
		name, ok2 := o.text("PathPart")
		if ok1 && ok2 {
			parts[o.id] = part{o, parent, name}
			ids = append(ids, o.id)
		}
	}
	paths := map[string]string{a.LogicalID: "/"}
	for _, id := range ids {
		path := ""
		at := id
		for steps := 0; at != a.LogicalID; steps++ {
			p, ok := parts[at]
			if !ok || steps > len(parts) {
				m.fault(parts[id].o.get("ParentId"), quote(parts[id].parent)+" does not lead to the root of "+a.LogicalID,
					"!GetAtt "+a.LogicalID+".RootResourceId, or !Ref and an AWS::ApiGateway::Resource")
				path = ""
				break
			}
			path = "/" + p.name + path
			at = p.parent
		}
		if path != "" && m.checkResource(parts[id].o.get("PathPart"), path) {
			paths[id] = path
		}
	}
	return paths
}
