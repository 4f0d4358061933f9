package gateway

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// eventV2 is an event in payload format 2.0. What is empty is left out, but for
// rawQueryString.
// Source: Amazon API Gateway developer guide, http-api-develop-integrations-lambda.
type eventV2 struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        contextV2         `json:"requestContext"`
	Body                  *string           `json:"body,omitempty"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
	StageVariables        map[string]string `json:"stageVariables,omitempty"`
}

// contextV2 is the requestContext of payload format 2.0.
type contextV2 struct {
	AccountID    string         `json:"accountId"`
	APIID        string         `json:"apiId"`
	Authorizer   map[string]any `json:"authorizer,omitempty"`
	DomainName   string         `json:"domainName"`
	DomainPrefix string         `json:"domainPrefix"`
	HTTP         httpV2         `json:"http"`
	RequestID    string         `json:"requestId"`
	RouteKey     string         `json:"routeKey"`
	Stage        string         `json:"stage"`
	Time         string         `json:"time"`
	TimeEpoch    int64          `json:"timeEpoch"` // milliseconds
}

type httpV2 struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// eventV2 is what a function behind an HTTP API gets in format 2.0.
func (d *httpDoor) eventV2(in *incoming, key string, params map[string]string, body []byte) *eventV2 {
	e := newEventV2(in, body)
	e.RouteKey, e.RequestContext.RouteKey = key, key
	e.RequestContext.AccountID, e.RequestContext.APIID = d.cfg.Account, d.apiID
	e.RequestContext.DomainPrefix = d.apiID
	e.RequestContext.Stage = d.api.Stage
	e.PathParameters = params
	e.StageVariables = d.api.Variables
	delete(e.Headers, "cookie") // it is in cookies
	return e
}

// newEventV2 fills in what does not depend on whose event it is.
func newEventV2(in *incoming, body []byte) *eventV2 {
	e := &eventV2{
		Version:               "2.0",
		RawPath:               in.path,
		RawQueryString:        in.rawQuery,
		Cookies:               cookies(in),
		Headers:               lowerCase(in.headers.byName),
		QueryStringParameters: joined(in.query),
		RequestContext: contextV2{
			DomainName: in.host,
			HTTP: httpV2{
				Method:    in.method,
				Path:      in.path,
				Protocol:  in.protocol,
				SourceIP:  in.sourceIP,
				UserAgent: in.userAgent,
			},
			RequestID: in.requestID,
			Time:      in.at.UTC().Format(requestTimeLayout),
			TimeEpoch: in.at.UnixMilli(),
		},
	}
	e.Headers["content-length"] = strconv.Itoa(len(body))
	e.Body, e.IsBase64Encoded = encodeBody(body, !isText(e.Headers["content-type"]))
	return e
}

// joined puts the values of each name into one, with commas; nil if there are no
// names.
func joined(all values) map[string]string {
	if len(all) == 0 {
		return nil
	}
	one := make(map[string]string, len(all))
	for name, v := range all {
		one[name] = strings.Join(v, ",")
	}
	return one
}

// lowerCase has the headers by their names in lower case, repeated ones joined.
func lowerCase(byName values) map[string]string {
	one := make(map[string]string, len(byName)+1)
	for name, v := range byName {
		one[strings.ToLower(name)] = strings.Join(v, ",")
	}
	return one
}

// cookies are the client's, one by one.
func cookies(in *incoming) []string {
	var all []string
	for _, header := range in.headers.get("Cookie") {
		for cookie := range strings.SplitSeq(header, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				all = append(all, cookie)
			}
		}
	}
	return all
}

// isText reports whether a body of this content type goes into an event as it is.
// All others travel as base64, forms among them.
// Source: AWS Lambda developer guide, urls-invocation, and recorded events
// (test_lambda_url_form_payload in LocalStack's snapshots).
func isText(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	return media == "" || strings.HasPrefix(media, "text/") ||
		strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") ||
		slices.Contains([]string{"application/json", "application/javascript", "application/xml"}, media)
}

// eventV1 is what a function behind an HTTP API gets in format 1.0: a REST API's
// event with a version, whose header names are lower case but for those that the
// gateway itself writes.
// Source: Amazon API Gateway developer guide, http-api-develop-integrations-lambda,
// and a published event (gist.github.com/metaskills).
func (d *httpDoor) eventV1(in *incoming, route *api.HTTPRoute, params map[string]string, body []byte) *eventV1 {
	shown := headersV1(in)
	shown["Content-Length"] = []string{strconv.Itoa(len(body))}
	e := &eventV1{
		Version:                         "1.0",
		Resource:                        route.Path,
		Path:                            in.path,
		HTTPMethod:                      in.method,
		Headers:                         shown.singles(),
		MultiValueHeaders:               shown,
		QueryStringParameters:           in.query.singles(),
		MultiValueQueryStringParameters: in.query,
		PathParameters:                  params,
		StageVariables:                  d.api.Variables,
		RequestContext:                  d.contextV1(in, route),
	}
	e.Body, e.IsBase64Encoded = encodeBody(body, !isText(http.Header(in.headers.byName).Get("Content-Type")))
	return e
}

func (d *httpDoor) contextV1(in *incoming, route *api.HTTPRoute) contextV1 {
	return contextV1{
		AccountID:         d.cfg.Account,
		APIID:             d.apiID,
		DomainName:        in.host,
		DomainPrefix:      d.apiID,
		ExtendedRequestID: in.extendedID,
		HTTPMethod:        in.method,
		Identity:          identityV1{SourceIP: in.sourceIP, UserAgent: &in.userAgent},
		Path:              in.path,
		Protocol:          in.protocol,
		RequestID:         in.requestID,
		RequestTime:       in.at.UTC().Format(requestTimeLayout),
		RequestTimeEpoch:  in.at.UnixMilli(),
		ResourceID:        route.Key(),
		ResourcePath:      route.Path,
		Stage:             d.api.Stage,
	}
}

// headersV1 has the headers by the names that an HTTP API gives them in format 1.0.
func headersV1(in *incoming) values {
	shown := make(values, len(in.headers.byName)+1)
	for name, all := range in.headers.byName {
		switch name {
		case "Host", "User-Agent", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto":
			shown[name] = all
		default:
			shown[strings.ToLower(name)] = all
		}
	}
	return shown
}

// unescapePath gives a path with its escapes resolved where they can be.
func unescapePath(escaped string) string {
	if decoded, err := url.PathUnescape(escaped); err == nil {
		return decoded
	}
	return escaped
}
