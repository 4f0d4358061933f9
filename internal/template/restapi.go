package template

import (
	"regexp"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// serverlessAPIProperties are those of AWS::Serverless::Api.
// Source: AWS SAM developer guide, sam-resource-api.
var serverlessAPIProperties = map[string]support{
	"AccessLogSetting":          later("access logs are not written yet"),
	"AlwaysDeploy":              ignore,
	"ApiKeySourceType":          ignore,
	"Auth":                      reads,
	"BinaryMediaTypes":          reads,
	"CacheClusterEnabled":       ignore,
	"CacheClusterSize":          ignore,
	"CanarySetting":             ignore,
	"Cors":                      later("CORS preflights are not answered yet"),
	"DefinitionBody":            reads,
	"DefinitionUri":             reads,
	"Description":               ignore,
	"DisableExecuteApiEndpoint": ignore,
	"Domain":                    ignore,
	"EndpointAccessMode":        ignore,
	"EndpointConfiguration":     ignore,
	"FailOnWarnings":            ignore,
	"GatewayResponses":          later("API Gateway's own answers can't be changed yet"),
	"MergeDefinitions":          reads,
	"MethodSettings":            ignore,
	"MinimumCompressionSize":    later("responses are not compressed here"),
	"Mode":                      ignore,
	"Models":                    ignore,
	"Name":                      ignore,
	"OpenApiVersion":            ignore,
	"Policy":                    ignore,
	"PropagateTags":             ignore,
	"SecurityPolicy":            ignore,
	"StageName":                 reads,
	"Tags":                      ignore,
	"TracingEnabled":            ignore,
	"Variables":                 reads,
}

var stageName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func (m *maker) serverlessAPI(r *resource) {
	o, ok := m.object(m.withGlobals("Api", r.properties), "an API")
	if !ok {
		return
	}
	o.check(serverlessAPIProperties)
	a := m.newAPI(r.id, o)
	o.require("StageName", "StageName: Prod")
	if stage, ok := o.text("StageName"); ok {
		a.Stage = stage
		if !stageName.MatchString(stage) {
			m.fault(o.get("StageName"), quote(stage)+" is not the name of a stage", "1 to 128 of letters, digits, - and _")
		}
	}
	a.merged, _ = o.flag("MergeDefinitions")
	a.managed = a.merged || !o.has("DefinitionBody") && !o.has("DefinitionUri")
	m.apis[r.id] = a
	m.rest = append(m.rest, a)
	m.serverlessAuth(a, o)
	if body := m.definition(o); body != nil {
		m.openAPI(a, body)
	}
}

// newAPI is an API with the properties that the implicit one has as well.
func (m *maker) newAPI(id string, o object) *restAPI {
	a := &restAPI{REST: &api.REST{LogicalID: id, Stage: implicitStage}}
	for _, f := range o.strings("Variables", "Variables") {
		if a.Variables == nil {
			a.Variables = map[string]string{}
		}
		a.Variables[f.key.text] = f.value.text
	}
	for _, t := range o.list("BinaryMediaTypes") {
		m.binaryType(a, t)
	}
	return a
}

// binaryType adds a media type. SAM's documents write the slash as ~1.
func (m *maker) binaryType(a *restAPI, t *node) {
	if t.kind != text {
		m.wrongKind(t, t, "a media type")
		return
	}
	name := strings.ReplaceAll(t.text, "~1", "/")
	if !slices.Contains(a.BinaryMediaTypes, name) {
		a.BinaryMediaTypes = append(a.BinaryMediaTypes, name)
	}
}

// implicit is the API for events that name none.
func (m *maker) implicit() *restAPI {
	properties := m.root.find("Globals", "Api")
	if properties == nil || properties.kind != mapping {
		properties = m.root.as(mapping)
	}
	o := object{s: m.scope, n: properties, what: "an API"}
	a := m.newAPI(implicitAPI, o)
	m.serverlessAuth(a, o)
	a.managed = true
	return a
}

// pathPart is one part of a resource's path: a name, or {name}, or {name+}.
// Source: Amazon API Gateway developer guide, api-gateway-method-settings-method-request.
var pathPart = regexp.MustCompile(`^(\{[a-zA-Z0-9._:-]+\+?\}|[a-zA-Z0-9._:~!$&'()*,;=@%-]+)$`)

// checkResource notes a path that API Gateway doesn't take.
func (m *maker) checkResource(n *node, path string) bool {
	if !strings.HasPrefix(path, "/") {
		m.fault(n, quote(path)+" does not begin with a slash", "/"+path)
		return false
	}
	if path == "/" {
		return true
	}
	parts := strings.Split(strings.TrimSuffix(path[1:], "/"), "/")
	for i, part := range parts {
		if !pathPart.MatchString(part) {
			m.fault(n, quote(part)+" is no part of a path", "a name, {parameter} or {proxy+}")
			return false
		}
		if strings.HasSuffix(part, "+}") && i < len(parts)-1 {
			m.fault(n, part+" takes the rest of a path; nothing can follow it", "")
			return false
		}
	}
	return true
}

func (m *maker) addRoute(a *restAPI, route api.Route, at *node) {
	for _, r := range a.Routes {
		if r.Resource == route.Resource && r.Method == route.Method {
			m.fault(at, a.LogicalID+" has "+route.Method+" "+route.Resource+" already", "")
			return
		}
	}
	a.Routes = append(a.Routes, route)
	a.at = append(a.at, at)
}

// tenantHeader is the header of Invoke that carries the tenant ID.
const tenantHeader = "X-Amz-Tenant-Id"

// finishAPIs puts the APIs into the template, and notes routes that can't work.
func (m *maker) finishAPIs() {
	if a := m.apis[implicitAPI]; a != nil {
		m.rest = append(m.rest, a)
	}
	for _, a := range m.http {
		m.template.HTTP = append(m.template.HTTP, a.HTTP)
		for i, route := range a.Routes {
			if m.isolated(route.Function) {
				m.checkIsolatedEvent(a.at[i], "HttpApi")
			}
		}
	}
	for _, a := range m.rest {
		m.template.REST = append(m.template.REST, a.REST)
		for i, route := range a.Routes {
			if !m.isolated(route.Function) {
				continue
			}
			if !slices.ContainsFunc(route.Mappings, func(p api.Mapping) bool {
				return p.To == api.Header && strings.EqualFold(p.Name, tenantHeader)
			}) {
				m.notice(a.at[i], route.Method+" "+route.Resource+" maps nothing to "+tenantHeader+": "+route.Function+" has tenant isolation, and every request will be refused")
			}
		}
	}
}
