package template

import (
	"fmt"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// definition is an OpenAPI document, evaluated: Swagger 2.0 or OpenAPI 3.0.
type definition struct {
	root       object
	validators map[string]bool // by name: whether it checks parameters
	fallback   string          // the validator of operations that name none
}

// openAPI adds the routes of a document to an API.
// Source: Amazon API Gateway developer guide, api-gateway-swagger-extensions.
func (m *maker) openAPI(a *restAPI, body *node) {
	root, ok := m.object(body, "an OpenAPI definition")
	if !ok {
		return
	}
	m.checkVersion(root)
	d := definition{root: root, validators: map[string]bool{}}
	if all, ok := root.object("x-amazon-apigateway-request-validators", "the validators"); ok {
		for _, f := range all.n.fields {
			v, ok := m.object(f.value, "a validator")
			if !ok {
				continue
			}
			v.check(map[string]support{"validateRequestBody": reads, "validateRequestParameters": reads})
			d.validators[f.key.text], _ = v.flag("validateRequestParameters")
			if checks, ok := v.flag("validateRequestBody"); ok && checks {
				m.notice(v.n.get("validateRequestBody"), "bodies are not validated yet")
			}
		}
	}
	d.fallback = m.validator(d, root)
	for _, t := range root.list("x-amazon-apigateway-binary-media-types") {
		m.binaryType(a, t)
	}
	m.schemes(&a.authorizers, root, a.Variables, defaultAuthorizerTTL)
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
		item, ok := m.object(p.value, "a path")
		if ok && m.checkResource(p.key, p.key.text) {
			m.pathItem(a, d, p.key.text, item)
		}
	}
}

func (m *maker) checkVersion(root object) {
	swagger, openapi := root.get("swagger"), root.get("openapi")
	switch {
	case swagger != nil:
		if swagger.text != "2.0" && swagger.text != "2" {
			m.fault(swagger, "there is no Swagger "+swagger.show(), `swagger: "2.0"`)
		}
	case openapi != nil:
		switch {
		case strings.HasPrefix(openapi.text, "3.0"):
		case strings.HasPrefix(openapi.text, "3."):
			m.notice(openapi, "API Gateway's guide speaks of OpenAPI 3.0, not of "+openapi.text)
		default:
			m.fault(openapi, "there is no OpenAPI "+openapi.show(), "openapi: 3.0.1")
		}
	case !root.has("swagger") && !root.has("openapi"):
		m.fault(root.n, "the definition says neither swagger nor openapi", "openapi: 3.0.1")
	}
}

// pathItem adds the operations of one path.
func (m *maker) pathItem(a *restAPI, d definition, path string, item object) {
	shared := m.parameters(d, item.list("parameters"))
	for _, f := range item.n.fields {
		switch key := f.key.text; {
		case key == anyMethod:
			m.operation(a, d, api.Route{Resource: path, Method: "ANY", Parameters: shared}, f)
		case slices.Contains(httpMethods, key):
			m.operation(a, d, api.Route{Resource: path, Method: strings.ToUpper(key), Parameters: shared}, f)
		case key == "$ref":
			m.notice(f.key, "a path of another document is not read yet")
		case key == "parameters", key == "summary", key == "description", key == "servers", strings.HasPrefix(key, "x-"):
		default:
			fix := didYouMean(strings.ToLower(key), append([]string{anyMethod}, httpMethods...))
			if strings.EqualFold(key, "any") {
				fix = "did you mean " + anyMethod + "?"
			}
			m.fault(f.key, quote(key)+" is not a method of API Gateway", fix)
		}
	}
}

// operation adds one method. route has the path's own parameters already.
func (m *maker) operation(a *restAPI, d definition, route api.Route, f field) {
	o, ok := m.object(f.value, "a method")
	if !ok {
		return
	}
	route.Parameters = override(route.Parameters, m.parameters(d, o.list("parameters")))
	validator := m.validator(d, o)
	if validator == "" {
		validator = d.fallback
	}
	route.ValidateParameters = d.validators[validator]
	name, said := m.security(&a.authorizers, a.LogicalID, o)
	if !said {
		name = a.fallback
	}
	g := a.guard(name)
	route.Authorizer, route.IAM = g.lambda, g.iam
	if !o.has(integrationKey) {
		m.fault(f.key, "the method has no integration", integrationKey+": {type: aws_proxy, httpMethod: POST, uri: …}")
		return
	}
	i, ok := o.object(integrationKey, "an integration")
	if !ok || !m.integration(a, i, inDefinition, &route) {
		return
	}
	m.addRoute(a, route, f.key)
}

// validator is the one that o names, if it is known.
func (m *maker) validator(d definition, o object) string {
	name, ok := o.text("x-amazon-apigateway-request-validator")
	if !ok {
		return ""
	}
	if _, known := d.validators[name]; !known {
		var names []string
		for n := range d.validators {
			names = append(names, n)
		}
		fix := didYouMean(name, names)
		if fix == "" {
			fix = "define it under x-amazon-apigateway-request-validators"
		}
		m.fault(o.get("x-amazon-apigateway-request-validator"), "there is no validator "+quote(name), fix)
		return ""
	}
	return name
}

// locations are OpenAPI's words for where a parameter is.
var locations = map[string]api.Location{"query": api.QueryString, "header": api.Header, "path": api.Path}

// parameters reads a list of declarations.
func (m *maker) parameters(d definition, items []*node) []api.Parameter {
	var all []api.Parameter
	for _, item := range items {
		o, ok := m.object(item, "a parameter")
		if !ok {
			continue
		}
		if ref, ok := o.text("$ref"); ok {
			target := d.local(ref)
			if target == nil {
				m.fault(o.get("$ref"), quote(ref)+" is not in the definition", "such as #/components/parameters/Tenant")
				continue
			}
			if o, ok = m.object(target, "a parameter"); !ok {
				continue
			}
		}
		o.require("name", "name: tenant-id")
		o.require("in", "in: query")
		name, okName := o.text("name")
		in, okIn := o.text("in")
		if !okName || !okIn {
			continue
		}
		required, _ := o.flag("required")
		location, mapped := locations[in]
		switch {
		case mapped:
			all = append(all, api.Parameter{In: location, Name: name, Required: required || location == api.Path})
		case in == "body" || in == "formData" || in == "cookie": // API Gateway maps none of them
		default:
			m.fault(o.get("in"), quote(in)+" holds no parameters", "query, header or path")
		}
	}
	return all
}

// override puts an operation's parameters in place of the path's of the same name.
func override(shared, own []api.Parameter) []api.Parameter {
	var all []api.Parameter
	for _, p := range shared {
		if !slices.ContainsFunc(own, func(o api.Parameter) bool { return o.In == p.In && o.Name == p.Name }) {
			all = append(all, p)
		}
	}
	return append(all, own...)
}

// local finds what "#/components/parameters/Tenant" points to, or nil.
func (d definition) local(ref string) *node {
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	at := d.root.n
	for key := range strings.SplitSeq(pointer, "/") {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
		if at = at.get(key); at == nil {
			return nil
		}
	}
	return at
}

// show is how a parameter is written in a mapping.
func show(p api.Parameter) string { return fmt.Sprintf("method.request.%s.%s", p.In, p.Name) }
