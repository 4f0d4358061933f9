package template

import (
	"fmt"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
)

// How long API Gateway remembers an authorizer's answer.
// Source: Amazon API Gateway developer guide, configure-api-gateway-lambda-authorization.
const (
	defaultAuthorizerTTL = 300 * time.Second // a REST API's; an HTTP API's remembers nothing unless told
	maxAuthorizerTTL     = 3600              // seconds
)

// guard is who may call a route. The zero value lets everybody in: there is no
// authorizer, or it is one that a notice says is not supported.
type guard struct {
	lambda *api.Authorizer
	iam    bool // only signed requests
}

// iamAuthorizer is the name that SAM gives to IAM authorization.
const iamAuthorizer = "AWS_IAM"

// authorizers are those of one API.
type authorizers struct {
	byName   map[string]guard
	fallback string // the one of methods that name none; "" lets everybody in
}

const openRoutes = " is not supported yet: requests pass without an authorizer"

// serverlessAuth reads the Auth of an AWS::Serverless::Api.
// Source: AWS SAM developer guide, sam-property-api-apiauth.
func (m *maker) serverlessAuth(a *restAPI, o object) {
	auth, ok := o.object("Auth", "Auth")
	if !ok {
		return
	}
	auth.check(map[string]support{
		"AddApiKeyRequiredToCorsPreflight":    ignore,
		"AddDefaultAuthorizerToCorsPreflight": ignore,
		"ApiKeyRequired":                      later("API keys are not asked for yet"),
		"Authorizers":                         reads,
		"DefaultAuthorizer":                   reads,
		"InvokeRole":                          ignore,
		"ResourcePolicy":                      later("resource policies are not enforced yet"),
		"UsagePlan":                           later("usage plans are not enforced yet"),
	})
	if all, ok := auth.object("Authorizers", "Authorizers"); ok {
		for _, f := range all.n.fields {
			if one, ok := m.object(f.value, "an authorizer"); ok {
				a.set(f.key.text, guard{lambda: m.serverlessAuthorizer(f.key, one)})
			}
		}
	}
	if name, ok := auth.text("DefaultAuthorizer"); ok && m.known(&a.authorizers, a.LogicalID, auth.get("DefaultAuthorizer"), name) {
		a.fallback = name
	}
}

func (a *authorizers) set(name string, g guard) {
	if a.byName == nil {
		a.byName = map[string]guard{}
	}
	if g.lambda != nil {
		g.lambda.Name = name
	}
	a.byName[name] = g
}

// guard is the authorizer with a name; "" has none.
func (a *authorizers) guard(name string) guard {
	if name == iamAuthorizer {
		return guard{iam: true}
	}
	return a.byName[name]
}

// known notes an authorizer that an API doesn't have.
func (m *maker) known(a *authorizers, id string, at *node, name string) bool {
	if name == iamAuthorizer {
		return true
	}
	if _, ok := a.byName[name]; ok {
		return true
	}
	var names []string
	for n := range a.byName {
		names = append(names, n)
	}
	fix := didYouMean(name, names)
	if fix == "" {
		fix = "add it to the API's authorizers"
	}
	m.fault(at, id+" has no authorizer "+quote(name), fix)
	return false
}

// serverlessAuthorizer reads one of SAM's; nil if it can't be had here.
func (m *maker) serverlessAuthorizer(key *node, o object) *api.Authorizer {
	o.check(map[string]support{
		"AuthorizationScopes": reads, "DisableFunctionDefaultPermissions": ignore, "FunctionArn": reads,
		"FunctionInvokeRole": ignore, "FunctionPayloadType": reads, "Identity": reads, "UserPoolArn": reads, "AuthType": ignore,
	})
	if o.has("UserPoolArn") {
		m.notice(key, "authorization by Amazon Cognito"+openRoutes)
		return nil
	}
	o.require("FunctionArn", "FunctionArn: !GetAtt Function.Arn")
	arn, ok := o.text("FunctionArn")
	if !ok {
		return nil
	}
	out := &api.Authorizer{Kind: api.Token, TTL: defaultAuthorizerTTL}
	if out.Function, ok = m.functionOf(o.get("FunctionArn"), arn); !ok {
		return nil
	}
	if kind, ok := o.choice("FunctionPayloadType", "TOKEN", "REQUEST"); ok {
		out.Kind = api.AuthorizerKind(kind)
	}
	header := "Authorization"
	if identity, ok := o.object("Identity", "Identity"); ok {
		if h, ok := identity.text("Header"); ok {
			header = h
		}
		out.Pattern, _ = identity.text("ValidationExpression")
		m.identity(identity, out)
	}
	if out.Kind == api.Token {
		out.Identity = []api.Source{{In: api.Header, Name: header}}
	}
	m.checkIdentity(key, out)
	return out
}

// identity reads what identifies the caller to one of SAM's authorizers, and how
// long its answer is remembered.
func (m *maker) identity(o object, out *api.Authorizer) {
	o.check(map[string]support{"Context": reads, "Header": reads, "Headers": reads, "QueryStrings": reads,
		"ReauthorizeEvery": reads, "StageVariables": reads, "ValidationExpression": reads})
	if s, ok := o.whole("ReauthorizeEvery", 0, maxAuthorizerTTL, " s"); ok {
		out.TTL = time.Duration(s) * time.Second
	}
	if out.Kind != api.Request {
		return
	}
	for _, n := range o.texts("Headers") {
		out.Identity = append(out.Identity, api.Source{In: api.Header, Name: n})
	}
	for _, n := range o.texts("QueryStrings") {
		out.Identity = append(out.Identity, api.Source{In: api.QueryString, Name: n})
	}
	for _, n := range o.texts("StageVariables") {
		out.Identity = append(out.Identity, api.Source{Variable: n})
	}
	for _, n := range o.texts("Context") {
		out.Identity = append(out.Identity, api.Source{Context: n})
	}
}

// checkIdentity notes a cache without a key.
func (m *maker) checkIdentity(at *node, a *api.Authorizer) {
	if a.Kind == api.Request && len(a.Identity) == 0 && a.TTL > 0 {
		m.fault(at, fmt.Sprintf("answers are remembered for %v, and nothing of the request is their key", a.TTL),
			"name what identifies the caller, or remember nothing: a time of 0")
	}
}

// schemes reads the security schemes of a definition. ttl is how long an answer is
// remembered if a scheme doesn't say.
// Source: Amazon API Gateway developer guide, api-gateway-swagger-extensions-authorizer.
func (m *maker) schemes(a *authorizers, root object, variables map[string]string, ttl time.Duration) {
	schemes, ok := root.object("securityDefinitions", "securityDefinitions")
	if !ok {
		components, there := root.object("components", "components")
		if !there {
			return
		}
		if schemes, ok = components.object("securitySchemes", "securitySchemes"); !ok {
			return
		}
	}
	for _, f := range schemes.n.fields {
		scheme, ok := m.object(f.value, "a security scheme")
		if !ok {
			continue
		}
		a.set(f.key.text, m.scheme(f.key, scheme, variables, ttl))
	}
}

func (m *maker) scheme(key *node, scheme object, variables map[string]string, ttl time.Duration) guard {
	const extension = "x-amazon-apigateway-authorizer"
	if kind, _ := scheme.text("x-amazon-apigateway-authtype"); strings.EqualFold(kind, "awsSigv4") {
		return guard{iam: true}
	}
	if !scheme.has(extension) {
		m.notice(key, "the security scheme "+key.text+openRoutes)
		return guard{}
	}
	o, ok := scheme.object(extension, "an authorizer")
	if !ok {
		return guard{}
	}
	header, _ := scheme.text("name")
	return guard{lambda: m.authorizer(variables, key, o, authorizerSpelling{
		"type", "authorizerUri", "authorizerResultTtlInSeconds", "identitySource", "identityValidationExpression",
	}, header, ttl)}
}

// authorizerSpelling is how the two places that describe an authorizer name its
// parts.
type authorizerSpelling struct{ kind, uri, ttl, identity, pattern string }

// authorizer reads an authorizer of a definition or of a resource; nil if it
// can't be had here. header is where a token is, and ttl how long an answer is
// remembered, if it doesn't say.
func (m *maker) authorizer(variables map[string]string, at *node, o object, names authorizerSpelling, header string, ttl time.Duration) *api.Authorizer {
	o.require(names.kind, names.kind+": REQUEST")
	kind, ok := o.text(names.kind)
	if !ok {
		return nil
	}
	out := &api.Authorizer{Kind: api.AuthorizerKind(strings.ToUpper(kind)), TTL: ttl}
	if out.Kind != api.Token && out.Kind != api.Request {
		m.notice(o.get(names.kind), "an authorizer of type "+kind+openRoutes)
		return nil
	}
	o.require(names.uri, names.uri+": !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations")
	uri, ok := o.text(names.uri)
	if !ok {
		return nil
	}
	if out.Function, ok = m.target(variables, o.get(names.uri), uri); !ok {
		return nil
	}
	if s, ok := o.whole(names.ttl, 0, maxAuthorizerTTL, " s"); ok {
		out.TTL = time.Duration(s) * time.Second
	}
	out.Pattern, _ = o.text(names.pattern)
	// An HTTP API's say two things more.
	out.PayloadFormat, _ = o.choice("authorizerPayloadFormatVersion", "1.0", "2.0")
	out.Simple, _ = o.flag("enableSimpleResponses")
	if sources, ok := o.text(names.identity); ok {
		for source := range strings.SplitSeq(sources, ",") {
			if source = strings.TrimSpace(source); source == "" {
				continue
			}
			s, ok := parseSource(source)
			if strings.HasPrefix(source, "$") { // an HTTP API's
				s, ok = parseHTTPSource(source)
			}
			if !ok || s.Literal != nil || s.In == api.Path {
				m.fault(o.get(names.identity), quote(source)+" does not identify a caller",
					"method.request.header.NAME, method.request.querystring.NAME, context.NAME or stageVariables.NAME")
				return nil
			}
			out.Identity = append(out.Identity, s)
		}
	} else if out.Kind == api.Token {
		if header == "" {
			header = "Authorization"
		}
		out.Identity = []api.Source{{In: api.Header, Name: header}}
	}
	if out.Kind == api.Token && (len(out.Identity) != 1 || out.Identity[0].In != api.Header) {
		m.fault(o.get(names.identity), "a token is in one header", "method.request.header.Authorization")
		return nil
	}
	m.checkIdentity(at, out)
	return out
}

// parseSource reads the right side of a mapping.
func parseSource(from string) (api.Source, bool) {
	if literal, ok := strings.CutPrefix(from, "'"); ok && strings.HasSuffix(literal, "'") {
		literal = literal[:len(literal)-1]
		return api.Source{Literal: &literal}, true
	}
	if c, ok := strings.CutPrefix(from, "context."); ok && c != "" {
		return api.Source{Context: c}, true
	}
	if v, ok := strings.CutPrefix(from, "stageVariables."); ok && v != "" {
		return api.Source{Variable: v}, true
	}
	p, ok := parseParameter(from, api.Path, api.QueryString, api.Header, api.MultiQueryString, api.MultiHeader)
	return api.Source{In: p.In, Name: p.Name}, ok
}

// functionOf is the function with an ARN: its name if the template makes it,
// else the ARN.
func (m *maker) functionOf(at *node, arn string) (function string, ok bool) {
	parts := functionARN.FindStringSubmatch(arn)
	if parts == nil {
		m.fault(at, quote(arn)+" is not the ARN of a function", "!GetAtt Function.Arn")
		return "", false
	}
	for _, r := range m.resources {
		if isFunction(r.typ) && m.physicalName(at, r).text == parts[1] {
			return parts[1] + parts[2], true
		}
	}
	m.notice(at, "the function "+quote(parts[1])+" is not in this template")
	return arn, true
}

// security reads what a method or a whole definition asks for. said is false
// when it asks for nothing, not even for no authorizer.
func (m *maker) security(a *authorizers, id string, o object) (name string, said bool) {
	requirements := o.list("security")
	if !o.has("security") {
		return "", false
	}
	for _, item := range requirements {
		requirement, ok := m.object(item, "a security requirement")
		if !ok {
			continue
		}
		for _, f := range requirement.n.fields {
			if m.known(a, id, f.key, f.key.text) && name == "" {
				name = f.key.text
			}
		}
	}
	return name, true
}
