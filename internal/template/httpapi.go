package template

import (
	"slices"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
)

// The names that SAM gives to the HTTP API it makes for HttpApi events without
// an ApiId, and what stands for the route that takes all other requests.
// Source: AWS SAM developer guide, sam-specification-generated-resources-function-implicit-httpapi.
const (
	implicitHTTP = "ServerlessHttpApi"
	defaultRoute = "$default"
	defaultStage = "$default"
)

// maxHTTPMillis is the longest timeout of an HTTP API's integration.
// Source: Amazon API Gateway developer guide, http-api-quotas.
const maxHTTPMillis = 30000

// httpAPI is an HTTP API that is being made.
type httpAPI struct {
	*api.HTTP
	authorizers
	managed bool    // its routes come from events; else from a definition
	at      []*node // where each of its routes stands
}

// serverlessHTTPProperties are those of AWS::Serverless::HttpApi.
// Source: AWS SAM developer guide, sam-resource-httpapi.
var serverlessHTTPProperties = map[string]support{
	"AccessLogSettings":         later("access logs are not written yet"),
	"Auth":                      reads,
	"CorsConfiguration":         reads,
	"DefaultRouteSettings":      ignore,
	"DefinitionBody":            reads,
	"DefinitionUri":             serverlessAPIProperties["DefinitionUri"],
	"Description":               ignore,
	"DisableExecuteApiEndpoint": ignore,
	"Domain":                    ignore,
	"FailOnWarnings":            ignore,
	"Name":                      ignore,
	"PropagateTags":             ignore,
	"RouteSettings":             ignore,
	"StageName":                 reads,
	"StageVariables":            reads,
	"Tags":                      ignore,
}

func (m *maker) serverlessHTTP(r *resource) {
	o, ok := m.object(m.withGlobals("HttpApi", r.properties), "an HTTP API")
	if !ok {
		return
	}
	o.check(serverlessHTTPProperties)
	a := m.newHTTP(r.id, o)
	a.managed = !o.has("DefinitionBody") && !o.has("DefinitionUri")
	m.httpAPIs[r.id] = a
	m.http = append(m.http, a)
	if body := m.definition(o); body != nil {
		m.httpDefinition(a, body)
	}
}

// newHTTP is an API with the properties that the implicit one has as well.
func (m *maker) newHTTP(id string, o object) *httpAPI {
	a := &httpAPI{HTTP: &api.HTTP{LogicalID: id, Stage: defaultStage}}
	if stage, ok := o.text("StageName"); ok {
		m.httpStage(a, o.get("StageName"), stage)
	}
	m.httpVariables(a, o, "StageVariables")
	switch c := o.get("CorsConfiguration"); {
	case c == nil:
	case c.kind == boolean:
		if c.text == "true" {
			a.CORS = &api.CORS{AllowOrigins: []string{"*"}}
		}
	default:
		if c, ok := o.object("CorsConfiguration", "CorsConfiguration"); ok {
			a.CORS = m.cors(c, corsInResource)
		}
	}
	m.httpAuth(a, o)
	return a
}

func (m *maker) httpStage(a *httpAPI, at *node, name string) {
	if name != defaultStage && !stageName.MatchString(name) {
		m.fault(at, quote(name)+" is not the name of a stage", "$default, or 1 to 128 of letters, digits, - and _")
	}
	a.Stage = name
}

func (m *maker) httpVariables(a *httpAPI, o object, property string) {
	for _, f := range o.strings(property, property) {
		if a.Variables == nil {
			a.Variables = map[string]string{}
		}
		a.Variables[f.key.text] = f.value.text
	}
}

// httpAuth reads the Auth of an AWS::Serverless::HttpApi.
// Source: AWS SAM developer guide, sam-property-httpapi-httpapiauth.
func (m *maker) httpAuth(a *httpAPI, o object) {
	auth, ok := o.object("Auth", "Auth")
	if !ok {
		return
	}
	auth.check(map[string]support{"Authorizers": reads, "DefaultAuthorizer": reads, "EnableIamAuthorizer": ignore})
	if all, ok := auth.object("Authorizers", "Authorizers"); ok {
		for _, f := range all.n.fields {
			if one, ok := m.object(f.value, "an authorizer"); ok {
				a.set(f.key.text, guard{lambda: m.httpAuthorizer(a, f.key, one)})
			}
		}
	}
	if name, ok := auth.text("DefaultAuthorizer"); ok && m.known(&a.authorizers, a.LogicalID, auth.get("DefaultAuthorizer"), name) {
		a.fallback = name
	}
}

// httpAuthorizer reads one of SAM's; nil if it can't be had here.
func (m *maker) httpAuthorizer(a *httpAPI, key *node, o object) *api.Authorizer {
	o.check(map[string]support{
		"AuthorizationScopes": reads, "AuthorizerPayloadFormatVersion": reads, "EnableFunctionDefaultPermissions": ignore,
		"EnableSimpleResponses": reads, "FunctionArn": reads, "FunctionInvokeRole": ignore, "Identity": reads,
		"IdentitySource": reads, "JwtConfiguration": reads,
	})
	if o.has("JwtConfiguration") {
		m.notice(key, "authorization by JWT"+openRoutes)
		return nil
	}
	o.require("FunctionArn", "FunctionArn: !GetAtt Function.Arn")
	arn, ok := o.text("FunctionArn")
	if !ok {
		return nil
	}
	out := &api.Authorizer{Kind: api.Request}
	if out.Function, ok = m.functionOf(o.get("FunctionArn"), arn); !ok {
		return nil
	}
	out.PayloadFormat, _ = o.choice("AuthorizerPayloadFormatVersion", "1.0", "2.0")
	out.Simple, _ = o.flag("EnableSimpleResponses")
	if identity, ok := o.object("Identity", "Identity"); ok {
		m.identity(identity, out)
	}
	m.checkIdentity(key, out)
	return out
}

// httpEventProperties are those of an event of type HttpApi.
// Source: AWS SAM developer guide, sam-property-function-httpapi.
var httpEventProperties = map[string]support{
	"ApiId":                reads,
	"Auth":                 reads,
	"Method":               reads,
	"Path":                 reads,
	"PayloadFormatVersion": reads,
	"RouteSettings":        ignore,
	"Stage":                ignore,
	"TimeoutInMillis":      reads,
}

func (m *maker) httpEvent(properties *node, f *Function) {
	o, ok := m.object(properties, "an HttpApi event")
	if !ok {
		return
	}
	o.check(httpEventProperties)
	route := api.HTTPRoute{Path: defaultRoute, Function: f.Version.Name}
	okRoute := true
	if path, ok := o.text("Path"); ok {
		route.Path = path
		okRoute = path == defaultRoute || m.checkResource(o.get("Path"), path)
	}
	if route.Path != defaultRoute {
		route.Method = "ANY"
		if method, ok := o.text("Method"); ok {
			route.Method, ok = m.httpMethod(o.get("Method"), method)
			okRoute = okRoute && ok
		}
	}
	m.httpSettings(o, "PayloadFormatVersion", "TimeoutInMillis", &route)
	a := m.eventHTTP(o)
	if a == nil || !okRoute {
		return
	}
	if !a.managed {
		if !slices.ContainsFunc(a.Routes, func(r api.HTTPRoute) bool { return r.Key() == route.Key() }) {
			m.notice(o.n, a.LogicalID+" has a definition of its own without "+route.Key()+": there, as on AWS, this event makes no route")
		}
		return
	}
	name := a.fallback
	if auth, ok := o.object("Auth", "Auth"); ok {
		auth.check(map[string]support{"AuthorizationScopes": ignore, "Authorizer": reads})
		if own, ok := auth.text("Authorizer"); ok {
			name = ""
			if own != "NONE" && m.known(&a.authorizers, a.LogicalID, auth.get("Authorizer"), own) {
				name = own
			}
		}
	}
	g := a.guard(name)
	route.Authorizer, route.IAM = g.lambda, g.iam
	m.addHTTPRoute(a, route, o.n)
}

func (m *maker) httpMethod(at *node, method string) (string, bool) {
	lower := strings.ToLower(method)
	switch {
	case lower == "any" || lower == anyMethod:
		return "ANY", true
	case slices.Contains(httpMethods, lower):
		return strings.ToUpper(lower), true
	}
	m.fault(at, quote(method)+" is not a method of API Gateway", didYouMean(lower, append([]string{"any"}, httpMethods...)))
	return "", false
}

// httpSettings reads what an event, a definition and a resource all say of an
// integration.
func (m *maker) httpSettings(o object, format, millis string, route *api.HTTPRoute) {
	route.PayloadFormat, _ = o.choice(format, "1.0", "2.0")
	if ms, ok := o.whole(millis, minIntegrationMillis, maxHTTPMillis, " ms"); ok {
		route.Timeout = time.Duration(ms) * time.Millisecond
	}
}

// eventHTTP is the API that an event belongs to, or nil if that can't be told.
func (m *maker) eventHTTP(o object) *httpAPI {
	if !o.has("ApiId") {
		if m.httpAPIs[implicitHTTP] == nil {
			properties := m.root.find("Globals", "HttpApi")
			if properties == nil || properties.kind != mapping {
				properties = m.root.as(mapping)
			}
			a := m.newHTTP(implicitHTTP, object{s: m.scope, n: properties, what: "an HTTP API"})
			a.managed = true
			m.httpAPIs[implicitHTTP] = a
			m.http = append(m.http, a)
		}
		return m.httpAPIs[implicitHTTP]
	}
	id, ok := o.text("ApiId")
	if !ok {
		return nil
	}
	a := m.httpAPIs[id]
	if a == nil {
		var ids []string
		for _, r := range m.resources {
			if r.typ == "AWS::Serverless::HttpApi" {
				ids = append(ids, r.id)
			}
		}
		fix := didYouMean(id, ids)
		if fix == "" {
			fix = "ApiId: !Ref and the name of an AWS::Serverless::HttpApi of this template"
		}
		m.fault(o.get("ApiId"), quote(id)+" is no HTTP API of this template", fix)
	}
	return a
}

func (m *maker) addHTTPRoute(a *httpAPI, route api.HTTPRoute, at *node) {
	for _, r := range a.Routes {
		if r.Key() == route.Key() {
			m.fault(at, a.LogicalID+" has "+route.Key()+" already", "")
			return
		}
	}
	a.Routes = append(a.Routes, route)
	a.at = append(a.at, at)
}

// httpDefinition adds the routes of an OpenAPI document.
// Source: Amazon API Gateway developer guide, http-api-open-api.
func (m *maker) httpDefinition(a *httpAPI, body *node) {
	root, ok := m.object(body, "an OpenAPI definition")
	if !ok {
		return
	}
	m.checkVersion(root)
	if c, ok := root.object("x-amazon-apigateway-cors", "x-amazon-apigateway-cors"); ok {
		a.CORS = m.cors(c, corsInDefinition)
	}
	m.schemes(&a.authorizers, root, a.Variables, 0)
	if name, said := m.security(&a.authorizers, a.LogicalID, root); said {
		a.fallback = name
	}
	root.require("paths", "paths: {/: …}")
	paths, ok := root.object("paths", "paths")
	if !ok {
		return
	}
	for _, p := range paths.n.fields {
		if strings.HasPrefix(p.key.text, "x-") {
			continue
		}
		path := p.key.text
		if path == "/"+defaultRoute {
			path = defaultRoute
		}
		item, ok := m.object(p.value, "a path")
		if !ok || path != defaultRoute && !m.checkResource(p.key, path) {
			continue
		}
		for _, f := range item.n.fields {
			route := api.HTTPRoute{Path: path, Method: strings.ToUpper(f.key.text)}
			switch key := f.key.text; {
			case key == anyMethod:
				route.Method = "ANY"
			case slices.Contains(httpMethods, key):
			case key == "parameters", key == "summary", key == "description", key == "servers", strings.HasPrefix(key, "x-"):
				continue
			default:
				m.fault(f.key, quote(key)+" is not a method of API Gateway", didYouMean(strings.ToLower(key), append([]string{anyMethod}, httpMethods...)))
				continue
			}
			if path == defaultRoute {
				route.Method = ""
			}
			m.httpOperation(a, root, route, f)
		}
	}
}

// httpIntegrationProperties are those of an HTTP API's integrations.
var httpIntegrationProperties = map[string]support{
	"connectionId": ignore, "connectionType": ignore, "credentials": ignore, "httpMethod": ignore, "payloadFormatVersion": reads,
	"requestParameters":  later("an HTTP API's parameter mappings are not supported yet"),
	"responseParameters": later("an HTTP API's parameter mappings are not supported yet"),
	"timeoutInMillis":    reads, "tlsConfig": ignore, "type": reads, "uri": reads,
}

func (m *maker) httpOperation(a *httpAPI, root object, route api.HTTPRoute, f field) {
	o, ok := m.object(f.value, "a method")
	if !ok {
		return
	}
	name, said := m.security(&a.authorizers, a.LogicalID, o)
	if !said {
		name = a.fallback
	}
	g := a.guard(name)
	route.Authorizer, route.IAM = g.lambda, g.iam
	if !o.has(integrationKey) {
		m.fault(f.key, "the method has no integration", integrationKey+`: {type: aws_proxy, payloadFormatVersion: "2.0", uri: …}`)
		return
	}
	i, ok := o.object(integrationKey, "an integration")
	if !ok {
		return
	}
	if ref, ok := i.text("$ref"); ok {
		target := definition{root: root}.local(ref)
		if target == nil {
			m.fault(i.get("$ref"), quote(ref)+" is not in the definition", "")
			return
		}
		if i, ok = m.object(target, "an integration"); !ok {
			return
		}
	}
	kind, ok := i.text("type")
	if !ok || !strings.EqualFold(kind, "aws_proxy") {
		i.require("type", "type: aws_proxy")
		if ok {
			m.notice(i.get("type"), "integrations of type "+kind+" are not supported yet; "+route.Key()+" is left out")
		}
		return
	}
	i.check(httpIntegrationProperties)
	m.httpSettings(i, "payloadFormatVersion", "timeoutInMillis", &route)
	i.require("uri", "uri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations")
	uri, ok := i.text("uri")
	if !ok {
		return
	}
	if route.Function, ok = m.httpTarget(a.Variables, i.get("uri"), uri); ok {
		m.addHTTPRoute(a, route, f.key)
	}
}

// httpTarget is the function of an integration. Unlike a REST API's, it may be
// named by its own ARN.
func (m *maker) httpTarget(variables map[string]string, at *node, uri string) (string, bool) {
	if functionARN.MatchString(uri) {
		return m.functionOf(at, uri)
	}
	return m.target(variables, at, uri)
}
