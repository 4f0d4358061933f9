package template

import (
	"slices"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
)

// eventTypes are the event sources of SAM's functions.
// Source: AWS SAM developer guide, sam-property-function-eventsource.
var eventTypes = []string{"AlexaSkill", "Api", "CloudWatchEvent", "CloudWatchLogs", "Cognito", "DocumentDB", "DynamoDB",
	"EventBridgeRule", "HttpApi", "IoTRule", "Kinesis", "MQ", "MSK", "S3", "SNS", "SQS", "Schedule", "ScheduleV2",
	"SelfManagedKafka"}

// events reads the event sources of one function.
func (m *maker) events(r *resource, o object, f *Function) {
	all := o.n.get("Events")
	if all == nil {
		return
	}
	events, ok := m.object(all, "Events")
	if !ok {
		return
	}
	for _, e := range events.n.fields {
		event, ok := m.object(e.value, "an event")
		if !ok {
			continue
		}
		event.check(map[string]support{"Type": reads, "Properties": reads})
		event.require("Type", "Type: Api")
		typ, ok := event.text("Type")
		if !ok {
			continue
		}
		if !slices.Contains(eventTypes, typ) {
			m.fault(event.get("Type"), "there is no event type "+quote(typ), didYouMean(typ, eventTypes))
			continue
		}
		if f.Version.TenantIsolation {
			m.checkIsolatedEvent(event.n.get("Type"), typ)
		}
		if typ != "Api" && typ != "HttpApi" && typ != "SQS" {
			m.notice(event.n.get("Type"), "events of type "+typ+" are not supported yet")
			continue
		}
		properties := event.n.get("Properties")
		if properties == nil {
			properties = e.key.as(mapping)
		}
		switch {
		case typ == "Api":
			m.apiEvent(properties, f)
		case f.Version.TenantIsolation: // its fault is noted
		case typ == "SQS":
			m.sqsEvent(properties, f)
		default:
			m.httpEvent(properties, f)
		}
	}
}

// apiEventProperties are those of an event of type Api.
// Source: AWS SAM developer guide, sam-property-function-api.
var apiEventProperties = map[string]support{
	"Auth":                 reads,
	"Method":               reads,
	"Path":                 reads,
	"RequestModel":         reads,
	"RequestParameters":    reads,
	"ResponseTransferMode": reads,
	"RestApiId":            reads,
	"Stage":                ignore,
	"TimeoutInMillis":      reads,
}

var httpMethods = []string{"delete", "get", "head", "options", "patch", "post", "put"}

// anyMethod is how OpenAPI definitions for API Gateway write ANY.
const anyMethod = "x-amazon-apigateway-any-method"

func (m *maker) apiEvent(properties *node, f *Function) {
	o, ok := m.object(properties, "an Api event")
	if !ok {
		return
	}
	o.check(apiEventProperties)
	o.require("Path", "Path: /")
	o.require("Method", "Method: get")
	path, okPath := o.text("Path")
	method, okMethod := o.text("Method")
	route := api.Route{Resource: path, Function: f.Version.Name}
	if okPath {
		okPath = m.checkResource(o.get("Path"), path)
	}
	if okMethod {
		switch lower := strings.ToLower(method); {
		case lower == "any" || lower == anyMethod:
			route.Method = "ANY"
		case slices.Contains(httpMethods, lower):
			route.Method = strings.ToUpper(lower)
		default:
			m.fault(o.get("Method"), quote(method)+" is not a method of API Gateway", didYouMean(lower, append([]string{"any"}, httpMethods...)))
			okMethod = false
		}
	}
	if ms, ok := o.whole("TimeoutInMillis", minIntegrationMillis, maxIntegrationMillis, " ms"); ok {
		route.Timeout = time.Duration(ms) * time.Millisecond
	}
	mode, _ := o.choice("ResponseTransferMode", "BUFFERED", "STREAM")
	route.Stream = mode == "STREAM"
	for _, p := range o.list("RequestParameters") {
		if parameter, ok := m.requestParameter(p); ok {
			route.Parameters = append(route.Parameters, parameter)
		}
	}
	if model, ok := o.object("RequestModel", "RequestModel"); ok {
		route.ValidateParameters, _ = model.flag("ValidateParameters")
		if body, ok := model.flag("ValidateBody"); ok && body {
			m.notice(model.n.get("ValidateBody"), "bodies are not validated yet")
		}
	}
	owner := m.eventAPI(o)
	if owner == nil || !okPath || !okMethod {
		return
	}
	there := slices.ContainsFunc(owner.Routes, func(r api.Route) bool { return r.Resource == route.Resource && r.Method == route.Method })
	if there && owner.merged {
		return // the definition says it all
	}
	if !owner.managed {
		if !there {
			m.notice(o.n, owner.LogicalID+" has a definition of its own without "+route.Method+" "+route.Resource+": there, as on AWS, this event makes no route")
		}
		return
	}
	g := m.eventGuard(owner, o)
	route.Authorizer, route.IAM = g.lambda, g.iam
	m.addRoute(owner, route, o.n)
}

// eventGuard is who may call an event's route.
// Source: AWS SAM developer guide, sam-property-function-apifunctionauth.
func (m *maker) eventGuard(owner *restAPI, o object) guard {
	name := owner.fallback
	if auth, ok := o.object("Auth", "Auth"); ok {
		auth.check(map[string]support{
			"ApiKeyRequired": later("API keys are not asked for yet"), "AuthorizationScopes": ignore, "Authorizer": reads,
			"InvokeRole": ignore, "OverrideApiAuth": ignore, "ResourcePolicy": later("resource policies are not enforced yet"),
		})
		if own, ok := auth.text("Authorizer"); ok {
			name = ""
			if own != "NONE" && m.known(&owner.authorizers, owner.LogicalID, auth.get("Authorizer"), own) {
				name = own
			}
		}
	}
	return owner.guard(name)
}

// eventAPI is the API that an event belongs to, or nil if that can't be told.
func (m *maker) eventAPI(o object) *restAPI {
	if !o.has("RestApiId") {
		if m.apis[implicitAPI] == nil {
			m.apis[implicitAPI] = m.implicit()
		}
		return m.apis[implicitAPI]
	}
	id, ok := o.text("RestApiId")
	if !ok {
		return nil
	}
	owner := m.apis[id]
	if owner == nil {
		if r := m.resource(id); r != nil && r.typ == "AWS::Serverless::Api" {
			return nil // it is wrong, and its faults are noted
		}
		var ids []string
		for _, r := range m.resources {
			if r.typ == "AWS::Serverless::Api" {
				ids = append(ids, r.id)
			}
		}
		fix := didYouMean(id, ids)
		if fix == "" {
			fix = "RestApiId: !Ref and the name of an AWS::Serverless::Api of this template"
		}
		m.fault(o.get("RestApiId"), quote(id)+" is no REST API of this template", fix)
	}
	return owner
}

// requestParameter reads one item of SAM's list: "method.request.header.X", or a
// mapping from that to its Required and Caching.
func (m *maker) requestParameter(n *node) (api.Parameter, bool) {
	name, required := n, false
	if n.kind == mapping && len(n.fields) == 1 {
		name = n.fields[0].key
		o, ok := m.object(n.fields[0].value, "a request parameter")
		if !ok {
			return api.Parameter{}, false
		}
		o.check(map[string]support{"Required": reads, "Caching": ignore})
		required, _ = o.flag("Required")
	}
	if name.kind == text {
		if p, ok := parseParameter(name.text, api.Path, api.QueryString, api.Header); ok {
			p.Required = required
			return p, true
		}
	}
	if n.kind != broken {
		m.fault(name, name.show()+" is not a request parameter", "such as method.request.querystring.tenant-id")
	}
	return api.Parameter{}, false
}
