package api

import "time"

// HTTP is one API Gateway HTTP API (v2) with one deployed stage.
type HTTP struct {
	LogicalID string            // its name in the template: "OrdersApi"
	Stage     string            // "$default", or a name that is then the first segment of every path
	Variables map[string]string // stage variables; nil if there are none
	Routes    []HTTPRoute
	CORS      *CORS // nil leaves CORS to the functions
}

// HTTPRoute is one route with a Lambda proxy integration.
type HTTPRoute struct {
	Method   string // "GET", …, or "ANY"; empty for $default
	Path     string // "/pets/{id}", "/{proxy+}", or "$default"
	Function string // the function's name, or an ARN, perhaps with a qualifier

	PayloadFormat string        // "1.0" or "2.0"; empty means 2.0
	Timeout       time.Duration // bounds the integration; 0 means 30 s, the most there is
	Authorizer    *Authorizer   // nil lets everybody in
	IAM           bool          // only signed requests come in (AWS_IAM)
}

// Key is the route as API Gateway writes it: "GET /pets/{id}", "$default".
func (r *HTTPRoute) Key() string {
	if r.Method == "" {
		return r.Path
	}
	return r.Method + " " + r.Path
}

// FunctionURL is the HTTP address of one function or alias.
type FunctionURL struct {
	Function  string // the function's name, or an ARN, perhaps with a qualifier
	Qualifier string // an alias; empty means $LATEST
	CORS      *CORS  // nil leaves CORS to the function
	IAM       bool   // only signed requests come in (AuthType AWS_IAM)
	Stream    bool   // answers are passed on as they come (InvokeMode RESPONSE_STREAM)
}

// TargetGroup is a load balancer's target group with one function in it.
type TargetGroup struct {
	Name              string
	Function          string // the function's name, or an ARN, perhaps with a qualifier
	MultiValueHeaders bool   // lambda.multi_value_headers.enabled
}

// CORS is what an HTTP API or a function URL tells browsers about pages of other
// origins.
// Source: Amazon API Gateway developer guide, http-api-cors; AWS Lambda API
// reference, Cors.
type CORS struct {
	AllowOrigins     []string // "https://example.com", "https://*", "*"
	AllowMethods     []string // "GET", "*"
	AllowHeaders     []string // "authorization", "*"
	ExposeHeaders    []string
	AllowCredentials bool
	MaxAge           time.Duration // whole seconds, up to a day; 0 means that the header isn't sent
}

// Authorizer is a Lambda function that says who may call a route.
// Source: Amazon API Gateway developer guide, apigateway-use-lambda-authorizer and
// http-api-lambda-authorizer.
type Authorizer struct {
	Name     string // within its API
	Kind     AuthorizerKind
	Function string // the function's name, or an ARN, perhaps with a qualifier

	// Identity has the parts of the request that say who calls. All must be there,
	// and together they are the key of the cache. A TOKEN authorizer has one header.
	Identity []Source
	// Pattern is what a TOKEN authorizer's token must match, a regular expression;
	// empty means anything.
	Pattern string
	// TTL is how long an answer is remembered; 0 means not at all.
	TTL time.Duration

	PayloadFormat string // of an HTTP API's: "1.0" or "2.0"; empty means 2.0
	Simple        bool   // an HTTP API's with format 2.0 answers {"isAuthorized": …}
}

// AuthorizerKind is what the authorizer's function is given.
type AuthorizerKind string

// The kinds of Lambda authorizers. HTTP APIs know only Request.
const (
	Token   AuthorizerKind = "TOKEN"   // one header
	Request AuthorizerKind = "REQUEST" // the request without its body
)
