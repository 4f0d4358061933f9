package lambda

import (
	"encoding/json"
	"testing"
)

// httpEvent has the shape and size of an HTTP API's event, payload format 2.0.
// Source: Amazon API Gateway developer guide, http-api-develop-integrations-lambda.
const httpEvent = `{"version":"2.0","routeKey":"$default","rawPath":"/orders/7","rawQueryString":"a=1&b=2",` +
	`"cookies":["session=7","theme=dark"],"headers":{"accept":"text/html,application/xhtml+xml","accept-encoding":"gzip, br",` +
	`"content-type":"application/json","host":"id.execute-api.us-east-1.amazonaws.com","user-agent":"Mozilla/5.0 (X11; Linux x86_64)",` +
	`"x-amzn-trace-id":"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700","x-forwarded-for":"192.0.2.1","x-forwarded-port":"443","x-forwarded-proto":"https"},` +
	`"queryStringParameters":{"a":"1","b":"2"},"requestContext":{"accountId":"123456789012","apiId":"id","domainName":"id.execute-api.us-east-1.amazonaws.com",` +
	`"http":{"method":"POST","path":"/orders/7","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"Mozilla/5.0 (X11; Linux x86_64)"},` +
	`"requestId":"JKJaXmPLvHcESHA=","routeKey":"$default","stage":"$default","time":"23/Nov/2026:08:29:35 +0000","timeEpoch":1795422575000},` +
	`"body":"{\"items\":[\"rope\",\"anchor\"]}","pathParameters":{"id":"7"},"isBase64Encoded":false,"stageVariables":{"v":"1"}}`

type httpRequest struct {
	RawPath               string            `json:"rawPath"`
	Cookies               []string          `json:"cookies"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters"`
	PathParameters        map[string]string `json:"pathParameters"`
	RequestContext        struct {
		AccountID string `json:"accountId"`
		HTTP      struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
		TimeEpoch int64 `json:"timeEpoch"`
	} `json:"requestContext"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
}

type httpResponse struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

// BenchmarkCodec is encoding/json at an HTTP function's work. With
// GOEXPERIMENT=jsonv2 it is the same API on the second implementation.
func BenchmarkCodec(b *testing.B) {
	b.Run("decode", func(b *testing.B) {
		data := []byte(httpEvent)
		b.ReportAllocs()
		for b.Loop() {
			var v httpRequest
			if err := json.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		v := httpResponse{201, map[string]string{"content-type": "application/json", "x-berth": "7"}, `{"order":7,"total":2}`}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
