package main

import "fmt"

// restEvent is what a REST API sends for a GET with a tenant ID, with the headers
// of a browser behind CloudFront.
// Source: Amazon API Gateway developer guide, set-up-lambda-proxy-integrations.
func restEvent(path string) []byte {
	return fmt.Appendf(nil, `{"resource":"/{proxy+}","path":%[1]q,"httpMethod":"GET",`+
		`"headers":{"Accept":"application/json, text/plain, */*","Accept-Encoding":"gzip, deflate, br","Accept-Language":"en-US,en;q=0.9",`+
		`"CloudFront-Forwarded-Proto":"https","CloudFront-Is-Desktop-Viewer":"true","CloudFront-Is-Mobile-Viewer":"false",`+
		`"CloudFront-Viewer-Country":"DE","Host":"abcdef1234.execute-api.eu-central-1.amazonaws.com",`+
		`"User-Agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",`+
		`"X-Amzn-Trace-Id":"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700","X-Forwarded-For":"192.0.2.7","X-Forwarded-Port":"443","X-Forwarded-Proto":"https"},`+
		`"multiValueHeaders":{"Accept":["application/json, text/plain, */*"],"Accept-Encoding":["gzip, deflate, br"],"Accept-Language":["en-US,en;q=0.9"],`+
		`"CloudFront-Forwarded-Proto":["https"],"CloudFront-Is-Desktop-Viewer":["true"],"CloudFront-Is-Mobile-Viewer":["false"],`+
		`"CloudFront-Viewer-Country":["DE"],"Host":["abcdef1234.execute-api.eu-central-1.amazonaws.com"],`+
		`"User-Agent":["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"],`+
		`"X-Amzn-Trace-Id":["Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"],"X-Forwarded-For":["192.0.2.7"],"X-Forwarded-Port":["443"],"X-Forwarded-Proto":["https"]},`+
		`"queryStringParameters":{"tenant-id":"alice","expand":"items"},"multiValueQueryStringParameters":{"tenant-id":["alice"],"expand":["items"]},`+
		`"pathParameters":{"proxy":"orders/2f6c1a"},"stageVariables":null,`+
		`"requestContext":{"resourceId":"a1b2c3","resourcePath":"/{proxy+}","httpMethod":"GET","extendedRequestId":"c6af9ac6-7b61","requestTime":"23/Nov/2026:08:00:00 +0000",`+
		`"path":"/Prod%[2]s","accountId":"123456789012","protocol":"HTTP/1.1","stage":"Prod","domainPrefix":"abcdef1234","requestTimeEpoch":1795420800000,`+
		`"requestId":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef","identity":{"sourceIp":"192.0.2.7","userAgent":"Mozilla/5.0 (X11; Linux x86_64)"},`+
		`"domainName":"abcdef1234.execute-api.eu-central-1.amazonaws.com","apiId":"abcdef1234"},"body":null,"isBase64Encoded":false}`, path, path)
}

// urlEvent is what a function URL sends for a GET with a tenant ID.
// Source: AWS Lambda developer guide, urls-invocation.
func urlEvent(path string) []byte {
	return fmt.Appendf(nil, `{"version":"2.0","routeKey":"$default","rawPath":%[1]q,"rawQueryString":"tenant-id=alice&expand=items",`+
		`"headers":{"accept":"application/json, text/plain, */*","accept-encoding":"gzip, deflate, br","accept-language":"en-US,en;q=0.9",`+
		`"host":"abcdef1234.lambda-url.eu-central-1.on.aws","user-agent":"Mozilla/5.0 (X11; Linux x86_64)",`+
		`"x-amzn-trace-id":"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700","x-forwarded-for":"192.0.2.7","x-forwarded-port":"443","x-forwarded-proto":"https"},`+
		`"queryStringParameters":{"tenant-id":"alice","expand":"items"},`+
		`"requestContext":{"accountId":"anonymous","apiId":"abcdef1234","domainName":"abcdef1234.lambda-url.eu-central-1.on.aws","domainPrefix":"abcdef1234",`+
		`"http":{"method":"GET","path":%[1]q,"protocol":"HTTP/1.1","sourceIp":"192.0.2.7","userAgent":"Mozilla/5.0 (X11; Linux x86_64)"},`+
		`"requestId":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef","routeKey":"$default","stage":"$default","time":"23/Nov/2026:08:00:00 +0000","timeEpoch":1795420800000},`+
		`"isBase64Encoded":false}`, path)
}
