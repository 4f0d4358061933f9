package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// The names that SAM gives to the API it makes for Api events without a RestApiId.
// Source: AWS SAM developer guide, sam-specification-generated-resources-function-implicit-api.
const (
	implicitAPI   = "ServerlessRestApi"
	implicitStage = "Prod"
)

// serverless is the transform that a template with AWS::Serverless types names.
const serverless = "AWS::Serverless-2016-10-31"

// maker makes a Template of what a scope evaluates.
type maker struct {
	*scope
	template *Template
	apis     map[string]*restAPI // SAM's, by logical ID
	rest     []*restAPI          // all, one for each stage
	httpAPIs map[string]*httpAPI // SAM's, by logical ID
	http     []*httpAPI          // all, one for each stage
}

// restAPI is an API that is being made.
type restAPI struct {
	*api.REST
	authorizers
	managed bool    // its routes come from events; else from a definition
	merged  bool    // from both
	at      []*node // where each of its routes stands
}

// sections are the parts of a template at its top.
// Source: AWS CloudFormation user guide, template-anatomy; AWS SAM developer
// guide, sam-specification-template-anatomy.
var sections = []string{"AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks",
	"Mappings", "Metadata", "Outputs", "Parameters", "Resources", "Rules", "Transform"}

func (m *maker) make() {
	m.apis, m.httpAPIs = map[string]*restAPI{}, map[string]*httpAPI{}
	m.checkSections()
	m.checkParameters()
	m.checkGlobals()
	m.checkTransform()
	for _, section := range []string{"Resources", "Outputs", "Globals"} {
		if n := m.root.get(section); n != nil {
			m.checkReferences(n)
		}
	}
	if d := m.root.get("Description"); d != nil && d.scalar() {
		m.template.Description = d.text
	}
	for _, r := range m.resources {
		if m.full() {
			return
		}
		switch r.typ {
		case "AWS::Serverless::Api":
			m.serverlessAPI(r)
		case "AWS::Serverless::HttpApi":
			m.serverlessHTTP(r)
		}
	}
	for _, r := range m.resources {
		if m.full() {
			return
		}
		switch {
		case r.typ == "AWS::Serverless::Function":
			m.serverlessFunction(r)
		case r.typ == "AWS::Lambda::Function":
			m.lambdaFunction(r)
		}
	}
	for _, r := range m.resources {
		switch {
		case m.full():
			return
		case r.typ == "AWS::ApiGateway::RestApi":
			m.plainREST(r)
		case r.typ == "AWS::ApiGatewayV2::Api":
			m.plainHTTP(r)
		case r.typ == "AWS::Lambda::Url":
			m.plainURL(r)
		case r.typ == "AWS::Lambda::EventInvokeConfig":
			m.plainEventInvoke(r)
		case r.typ == "AWS::Lambda::EventSourceMapping":
			m.plainSource(r)
		case r.typ == "AWS::SQS::Queue":
			m.sqsQueue(r)
		case isFunction(r.typ), r.typ == "AWS::Serverless::Api", r.typ == "AWS::Serverless::HttpApi",
			partOfREST(r.typ), partOfHTTP(r.typ), inert(r.typ):
		default:
			m.unsupported(r)
		}
	}
	m.strayParts()
	m.straySources()
	m.checkNames()
	m.finishAPIs()
}

// partOfREST are the types that are read with the API that they belong to.
func partOfREST(typ string) bool {
	switch typ {
	case "AWS::ApiGateway::Authorizer", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::Method", "AWS::ApiGateway::RequestValidator",
		"AWS::ApiGateway::Resource", "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage":
		return true
	}
	return false
}

// unsupported notes a resource that is not made here.
func (m *maker) unsupported(r *resource) {
	at := r.body.get("Type")
	types := slices.Collect(maps.Keys(nameProperty))
	types = append(types, "AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::Lambda::Url", "AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api")
	if near := suggest(r.typ, types); near != "" && near != r.typ && distance(near, r.typ, 3) < 3 {
		m.fault(at, "there is no type "+quote(r.typ), "did you mean "+near+"?")
		return
	}
	m.notice(at, r.typ+" is not supported yet; "+r.id+" is left out")
}

func (m *maker) checkSections() {
	for _, f := range m.root.fields {
		name := f.key.text
		if !slices.Contains(sections, name) {
			fix := didYouMean(name, sections)
			if fix == "" {
				fix = "one of " + strings.Join(sections, ", ")
			}
			m.fault(f.key, quote(name)+" is not a section of a template", fix)
			continue
		}
		switch name {
		case "Conditions", "Globals", "Mappings", "Outputs", "Parameters":
			if f.value.kind != mapping && f.value.kind != broken {
				m.wrongKind(f.value, f.value, "a mapping")
			}
		}
	}
	if mappings := m.root.get("Mappings"); len(mappings.keys()) > maxMappings {
		m.fault(mappings, fmt.Sprintf("there are %d mappings; CloudFormation takes at most %d", len(mappings.fields), maxMappings), "")
	}
}

// checkTransform asks for the transform without which AWS knows none of SAM's types.
func (m *maker) checkTransform() {
	transform := m.root.get("Transform")
	if transform != nil {
		names := []*node{transform}
		if transform.kind == list {
			names = transform.items
		}
		for _, n := range names {
			if n.kind == text && n.text == serverless {
				return
			}
		}
	}
	for _, r := range m.resources {
		if strings.HasPrefix(r.typ, "AWS::Serverless::") {
			at := r.body.get("Type")
			if transform != nil {
				at = transform
			}
			m.fault(at, "the template needs SAM's transform for "+r.typ, "Transform: "+serverless)
			return
		}
	}
}

// checkNames notes functions that share a name.
func (m *maker) checkNames() {
	owner := map[string]string{}
	for _, f := range m.template.Functions {
		if f.Version.Name == "" {
			continue // its fault is noted
		}
		if other, taken := owner[f.Version.Name]; taken {
			at := m.resource(f.LogicalID)
			n := at.properties.get("FunctionName")
			if n == nil {
				n = at.key
			}
			m.fault(n, fmt.Sprintf("the function's name %s is also %s's", quote(f.Version.Name), other), "give it another FunctionName")
			continue
		}
		owner[f.Version.Name] = f.LogicalID
	}
}
