package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
)

const integrationKey = "x-amazon-apigateway-integration"

// An integration's timeout, in milliseconds. API Gateway allows 29 s, and more
// on request; no function runs longer than 900 s.
// Source: Amazon API Gateway developer guide, api-gateway-execution-service-limits-table.
const (
	minIntegrationMillis = 50
	maxIntegrationMillis = 900000
)

// integrationProperties are those of x-amazon-apigateway-integration.
// Source: Amazon API Gateway developer guide, api-gateway-swagger-extensions-integration.
var integrationProperties = map[string]support{
	"cacheKeyParameters":   ignore,
	"cacheNamespace":       ignore,
	"connectionId":         ignore,
	"connectionType":       ignore,
	"contentHandling":      ignore,
	"credentials":          ignore,
	"httpMethod":           reads,
	"integrationTarget":    ignore,
	"passthroughBehavior":  ignore,
	"payloadFormatVersion": ignore,
	"requestParameters":    reads,
	"requestTemplates":     ignore, // a proxy integration has none
	"responseTransferMode": reads,
	"responses":            ignore, // nor these
	"timeoutInMillis":      reads,
	"tlsConfig":            ignore,
	"type":                 reads,
	"uri":                  reads,
}

// spelling is how the two places that describe an integration name its parts.
type spelling struct {
	properties                                  map[string]support
	kind, method, uri, parameters, millis, mode string
}

// inDefinition is OpenAPI's.
var inDefinition = spelling{integrationProperties, "type", "httpMethod", "uri", "requestParameters", "timeoutInMillis", "responseTransferMode"}

// inMethod is that of AWS::ApiGateway::Method.
// Source: AWS CloudFormation template reference, aws-properties-apigateway-method-integration.
var inMethod = spelling{map[string]support{
	"CacheKeyParameters":    ignore,
	"CacheNamespace":        ignore,
	"ConnectionId":          ignore,
	"ConnectionType":        ignore,
	"ContentHandling":       ignore,
	"Credentials":           ignore,
	"IntegrationHttpMethod": reads,
	"IntegrationResponses":  ignore,
	"IntegrationTarget":     ignore,
	"PassthroughBehavior":   ignore,
	"RequestParameters":     reads,
	"RequestTemplates":      ignore,
	"ResponseTransferMode":  reads,
	"TimeoutInMillis":       reads,
	"Type":                  reads,
	"Uri":                   reads,
}, "Type", "IntegrationHttpMethod", "Uri", "RequestParameters", "TimeoutInMillis", "ResponseTransferMode"}

// integration reads what stands behind a method. ok is false if the method can't
// be served; a notice or a fault says why.
func (m *maker) integration(a *restAPI, o object, names spelling, route *api.Route) (ok bool) {
	o.require(names.kind, names.kind+": AWS_PROXY")
	kind, ok := o.text(names.kind)
	if !ok {
		return false
	}
	kinds := []string{"aws", "aws_proxy", "http", "http_proxy", "mock"}
	if !slices.Contains(kinds, strings.ToLower(kind)) {
		m.fault(o.get(names.kind), fmt.Sprintf("%s is not one of %s", quote(kind), strings.Join(kinds, ", ")), didYouMean(kind, kinds))
		return false
	}
	if !strings.EqualFold(kind, "aws_proxy") {
		m.notice(o.get(names.kind), "integrations of type "+kind+" are not supported yet; "+route.Method+" "+route.Resource+" is left out")
		return false
	}
	o.check(names.properties)
	o.require(names.method, names.method+": POST")
	if method, ok := o.text(names.method); ok && method != "POST" {
		m.fault(o.get(names.method), "Lambda is invoked by POST, whatever the client's method: API Gateway answers 500 with "+quote(method), names.method+": POST")
	}
	if ms, ok := o.whole(names.millis, minIntegrationMillis, maxIntegrationMillis, " ms"); ok {
		route.Timeout = time.Duration(ms) * time.Millisecond
	}
	mode, _ := o.choice(names.mode, "BUFFERED", "STREAM")
	route.Stream = mode == "STREAM"
	for _, f := range o.strings(names.parameters, names.parameters) {
		if mapping, ok := m.mapping(f, route.Parameters); ok {
			route.Mappings = append(route.Mappings, mapping)
		}
	}
	o.require(names.uri, names.uri+": !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations")
	uri, ok := o.text(names.uri)
	if !ok {
		return false
	}
	route.Function, ok = m.target(a.Variables, o.get(names.uri), uri)
	return ok
}

// invocationsURI is how API Gateway names the function behind a method.
var invocationsURI = regexp.MustCompile(`^arn:aws[a-z-]*:apigateway:[a-z0-9-]*:lambda:path/+\d{4}-\d{2}-\d{2}/functions/(.+)/(?:response-streaming-)?invocations/?$`)

// functionARN is a function's, perhaps with a qualifier.
var functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]*:[0-9]*:function:([a-zA-Z0-9-_]+)(:[a-zA-Z0-9-_$]+)?$`)

var stageVariable = regexp.MustCompile(`\$\{stageVariables\.([a-zA-Z0-9_]+)\}`)

// target is the function that an integration invokes: its name if the template
// makes it, else its ARN.
func (m *maker) target(variables map[string]string, at *node, uri string) (function string, ok bool) {
	missing := ""
	uri = stageVariable.ReplaceAllStringFunc(uri, func(v string) string {
		name := stageVariable.FindStringSubmatch(v)[1]
		value, known := variables[name]
		if !known {
			missing = name
		}
		return value
	})
	if missing != "" {
		m.fault(at, "the stage has no variable "+quote(missing), "add it to Variables")
		return "", false
	}
	match := invocationsURI.FindStringSubmatch(uri)
	if match == nil {
		fix := "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"
		if functionARN.MatchString(uri) {
			fix = "!Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/" + uri + "/invocations"
		}
		m.fault(at, quote(uri)+" is not the URI of a function's invocations", fix)
		return "", false
	}
	return m.functionOf(at, match[1])
}

var parameterName = regexp.MustCompile(`^[a-zA-Z0-9._$-]+$`)

// parseParameter reads "method.request.querystring.tenant-id", in one of the
// locations that are allowed.
func parseParameter(expression string, allowed ...api.Location) (api.Parameter, bool) {
	rest, ok := strings.CutPrefix(expression, "method.request.")
	if !ok {
		return api.Parameter{}, false
	}
	in, name, ok := strings.Cut(rest, ".")
	if !ok || !slices.Contains(allowed, api.Location(in)) || !parameterName.MatchString(name) {
		return api.Parameter{}, false
	}
	return api.Parameter{In: api.Location(in), Name: name}, true
}

// mapping reads one entry of requestParameters. What it takes from the client
// must be declared by the method.
// Source: Amazon API Gateway developer guide, request-response-data-mappings.
func (m *maker) mapping(f field, declared []api.Parameter) (api.Mapping, bool) {
	to, name, ok := strings.Cut(strings.TrimPrefix(f.key.text, "integration.request."), ".")
	location := api.Location(to)
	if !ok || !strings.HasPrefix(f.key.text, "integration.request.") || !parameterName.MatchString(name) ||
		!slices.Contains([]api.Location{api.Path, api.QueryString, api.Header}, location) {
		m.fault(f.key, quote(f.key.text)+" is no part of an integration's request", "such as integration.request.header.X-Amz-Tenant-Id")
		return api.Mapping{}, false
	}
	mapping := api.Mapping{To: location, Name: name}
	from := f.value.text
	if from == "method.request.body" || strings.HasPrefix(from, "method.request.body.") {
		m.notice(f.value, "a mapping from the request's body is not supported yet; it is left out")
		return api.Mapping{}, false
	}
	source, ok := parseSource(from)
	if !ok {
		m.fault(f.value, quote(from)+" is not a mapping expression", "method.request.querystring.NAME, method.request.header.NAME, method.request.path.NAME, context.NAME, stageVariables.NAME or 'a literal'")
		return api.Mapping{}, false
	}
	mapping.From = source
	if source.In == "" {
		return mapping, true
	}
	p := api.Parameter{In: source.In, Name: source.Name}
	if !slices.ContainsFunc(declared, func(d api.Parameter) bool { return declares(d, p) }) {
		var all []string
		for _, d := range declared {
			all = append(all, show(d))
		}
		fix := didYouMean(from, all)
		if fix == "" {
			fix = "add it to the method's parameters"
		}
		m.fault(f.value, "the method declares no parameter "+from, fix)
		return api.Mapping{}, false
	}
	return mapping, true
}

// declares reports whether a declaration allows a mapping from p. The list of
// all values is declared as the single value is.
func declares(d, p api.Parameter) bool {
	switch p.In {
	case api.MultiQueryString:
		p.In = api.QueryString
	case api.MultiHeader:
		p.In = api.Header
	}
	if d.In != p.In {
		return false
	}
	return d.Name == p.Name || d.In == api.Header && strings.EqualFold(d.Name, p.Name)
}
