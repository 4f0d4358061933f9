// Package api is the vocabulary of HTTP doors: APIs, routes, what a request must
// carry, and which part of it becomes which part of the invocation.
//
// Package template produces these values and package gateway serves them. It
// knows nothing of YAML, HTTP servers or invocations.
package api

import "time"

// REST is one API Gateway REST API (v1) with one deployed stage.
type REST struct {
	LogicalID string            // its name in the template: "CounterApi"
	Stage     string            // "Prod"; the first segment of every request's path
	Variables map[string]string // stage variables; nil if there are none
	Routes    []Route

	// BinaryMediaTypes are the content types whose bodies travel as base64;
	// "*/*" means all.
	BinaryMediaTypes []string
}

// Route is one method of one resource, with a Lambda proxy integration.
type Route struct {
	Resource string // "/", "/orders/{id}", "/{proxy+}"
	Method   string // "GET", …, or "ANY"
	Function string // the function's name, or an ARN, perhaps with a qualifier

	// Parameters are declared by the method: only these can be mapped, and the
	// required ones are what ValidateParameters checks.
	Parameters         []Parameter
	ValidateParameters bool
	Mappings           []Mapping

	// Timeout bounds the integration; 0 means 29 s, API Gateway's own default.
	Timeout time.Duration

	Authorizer *Authorizer // nil lets everybody in
	IAM        bool        // only signed requests come in (AWS_IAM)
	Stream     bool        // answers are passed on as they come (responseTransferMode STREAM)
}

// Parameter is a part of the client's request that a method declares.
type Parameter struct {
	In       Location
	Name     string // "tenant-id"
	Required bool
}

// Location is a part of a request that can hold a parameter.
type Location string

// The locations, written as mapping expressions write them.
const (
	Path             Location = "path"
	QueryString      Location = "querystring"
	Header           Location = "header"
	MultiQueryString Location = "multivaluequerystring"
	MultiHeader      Location = "multivalueheader"
)

// Mapping sets one part of the integration's request, as
// "integration.request.header.X-Amz-Tenant-Id: method.request.querystring.tenant-id".
// Source: Amazon API Gateway developer guide, request-response-data-mappings.
type Mapping struct {
	To   Location // Path, QueryString or Header
	Name string   // "X-Amz-Tenant-Id"
	From Source
}

// Source is the right side of a mapping. Exactly one of its four kinds is set.
type Source struct {
	In       Location // method.request.<In>.<Name>; "" for the other kinds
	Name     string
	Literal  *string // 'in single quotes'
	Context  string  // context.<Context>, such as "authorizer.tenantId"
	Variable string  // stageVariables.<Variable>
}
