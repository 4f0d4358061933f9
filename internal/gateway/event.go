package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// eventV1 is an event in payload format 1.0. Every key is always there, and null
// when there is nothing to say.
// Source: Amazon API Gateway developer guide, set-up-lambda-proxy-integrations,
// input format.
type eventV1 struct {
	Version                         string            `json:"version,omitempty"` // only of an HTTP API
	Resource                        string            `json:"resource"`
	Path                            string            `json:"path"`
	HTTPMethod                      string            `json:"httpMethod"`
	Headers                         map[string]string `json:"headers"`
	MultiValueHeaders               values            `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string `json:"queryStringParameters"`
	MultiValueQueryStringParameters values            `json:"multiValueQueryStringParameters"`
	PathParameters                  map[string]string `json:"pathParameters"`
	StageVariables                  map[string]string `json:"stageVariables"`
	RequestContext                  contextV1         `json:"requestContext"`
	Body                            *string           `json:"body"`
	IsBase64Encoded                 bool              `json:"isBase64Encoded"`
}

// contextV1 is the requestContext of payload format 1.0.
type contextV1 struct {
	AccountID         string         `json:"accountId"`
	APIID             string         `json:"apiId"`
	Authorizer        map[string]any `json:"authorizer,omitempty"`
	DeploymentID      string         `json:"deploymentId,omitempty"`
	DomainName        string         `json:"domainName"`
	DomainPrefix      string         `json:"domainPrefix"`
	ExtendedRequestID string         `json:"extendedRequestId"`
	HTTPMethod        string         `json:"httpMethod"`
	Identity          identityV1     `json:"identity"`
	Path              string         `json:"path"`
	Protocol          string         `json:"protocol"`
	RequestID         string         `json:"requestId"`
	RequestTime       string         `json:"requestTime"`
	RequestTimeEpoch  int64          `json:"requestTimeEpoch"` // milliseconds
	ResourceID        string         `json:"resourceId"`
	ResourcePath      string         `json:"resourcePath"`
	Stage             string         `json:"stage"`
}

// identityV1 says who called. What isn't known is null.
type identityV1 struct {
	AccessKey                     *string `json:"accessKey"`
	AccountID                     *string `json:"accountId"`
	Caller                        *string `json:"caller"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	SourceIP                      string  `json:"sourceIp"`
	User                          *string `json:"user"`
	UserAgent                     *string `json:"userAgent"`
	UserARN                       *string `json:"userArn"`
}

// requestTimeLayout is the time format of Apache's logs, in which the events say
// when a request came.
const requestTimeLayout = "02/Jan/2006:15:04:05 -0700"

// lookup gives a $context variable by its name, "identity.sourceIp".
// Source: Amazon API Gateway developer guide, api-gateway-mapping-template-reference,
// $context variables.
func (c *contextV1) lookup(name string) (string, bool) {
	if key, ok := strings.CutPrefix(name, "authorizer."); ok {
		value, ok := c.Authorizer[key]
		return fmt.Sprint(value), ok
	}
	switch name {
	case "accountId":
		return c.AccountID, true
	case "apiId":
		return c.APIID, true
	case "deploymentId":
		return c.DeploymentID, true
	case "domainName":
		return c.DomainName, true
	case "domainPrefix":
		return c.DomainPrefix, true
	case "extendedRequestId":
		return c.ExtendedRequestID, true
	case "httpMethod":
		return c.HTTPMethod, true
	case "identity.accessKey":
		return known(c.Identity.AccessKey)
	case "identity.accountId":
		return known(c.Identity.AccountID)
	case "identity.caller":
		return known(c.Identity.Caller)
	case "identity.user":
		return known(c.Identity.User)
	case "identity.userArn":
		return known(c.Identity.UserARN)
	case "identity.sourceIp":
		return c.Identity.SourceIP, true
	case "identity.userAgent":
		return known(c.Identity.UserAgent)
	case "path":
		return c.Path, true
	case "protocol":
		return c.Protocol, true
	case "requestId":
		return c.RequestID, true
	case "requestTime":
		return c.RequestTime, true
	case "requestTimeEpoch":
		return strconv.FormatInt(c.RequestTimeEpoch, 10), true
	case "resourceId":
		return c.ResourceID, true
	case "resourcePath":
		return c.ResourcePath, true
	case "stage":
		return c.Stage, true
	}
	return "", false
}

func known(value *string) (string, bool) {
	if value == nil {
		return "", false
	}
	return *value, true
}

// encodeBody gives the two fields of an event that hold the client's body.
func encodeBody(body []byte, asBase64 bool) (text *string, isBase64 bool) {
	if len(body) == 0 {
		return nil, false
	}
	encoded := string(body)
	if asBase64 {
		encoded = base64.StdEncoding.EncodeToString(body)
	}
	return &encoded, asBase64
}

// isBinary reports whether a content type is one of those that an API treats as
// binary. Parameters such as a charset don't count.
// Source: Amazon API Gateway developer guide, api-gateway-payload-encodings-workflow.
func isBinary(contentType string, binaryTypes []string) bool {
	media := mediaType(contentType)
	for _, binary := range binaryTypes {
		if binary == "*/*" || media != "" && strings.EqualFold(binary, media) {
			return true
		}
	}
	return false
}

// mediaType is the first media type of a Content-Type or an Accept header.
func mediaType(header string) string {
	first, _, _ := strings.Cut(header, ",")
	media, _, err := mime.ParseMediaType(first)
	if err != nil {
		media, _, _ = strings.Cut(first, ";")
	}
	return strings.TrimSpace(media)
}

// encode is an event as JSON, with no more escapes than JSON needs. Events are
// made of strings, numbers and maps of them, which can't fail; bytes that are no
// UTF-8 become U+FFFD.
func encode(event any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(event); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// context is the requestContext of a request to this route.
func (d *restDoor) context(in *incoming, resourcePath string) contextV1 {
	c := contextV1{
		AccountID:         d.cfg.Account,
		APIID:             d.apiID,
		DeploymentID:      d.deploymentID,
		DomainName:        in.host,
		DomainPrefix:      d.apiID,
		ExtendedRequestID: in.extendedID,
		HTTPMethod:        in.method,
		Identity:          identityV1{SourceIP: in.sourceIP},
		Path:              in.path,
		Protocol:          in.protocol,
		RequestID:         in.requestID,
		RequestTime:       in.at.UTC().Format(requestTimeLayout),
		RequestTimeEpoch:  in.at.UnixMilli(),
		ResourceID:        resourceName(6, d.apiID+resourcePath),
		ResourcePath:      resourcePath,
		Stage:             d.api.Stage,
	}
	if in.userAgent != "" {
		c.Identity.UserAgent = &in.userAgent
	}
	return c
}

// event is what the function gets, body included.
func (d *restDoor) event(in *incoming, route *api.Route, path string, params map[string]string, rc contextV1, mapped mapped, body []byte) []byte {
	shown := mapped.headers.spelled()
	e := eventV1{
		Resource:                        route.Resource,
		Path:                            path,
		HTTPMethod:                      in.method,
		Headers:                         shown.singles(),
		MultiValueHeaders:               shown,
		QueryStringParameters:           mapped.query.singles(),
		MultiValueQueryStringParameters: mapped.query,
		PathParameters:                  params,
		StageVariables:                  d.api.Variables,
		RequestContext:                  rc,
	}
	contentType := ""
	if all := in.headers.get("Content-Type"); len(all) > 0 {
		contentType = all[0]
	}
	e.Body, e.IsBase64Encoded = encodeBody(body, isBinary(contentType, d.api.BinaryMediaTypes))
	return encode(e)
}
