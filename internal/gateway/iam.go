package gateway

import (
	"errors"
	"net/http"

	"github.com/berthdev/berth/internal/sigv4"
)

// The answers to requests that aren't signed as they should be.
// Source: Amazon API Gateway developer guide, permissions and
// supported-gateway-response-types; AWS Lambda developer guide, urls-auth.
var (
	urlForbidden = &gatewayResponse{status: http.StatusForbidden, kind: "AccessDeniedException",
		body: `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`}
)

// verify says who signed a request; unsigned is the answer to one that nobody did.
func (d *door) verify(r *http.Request, body []byte, service string, unsigned *gatewayResponse) (*sigv4.Identity, error) {
	keys := d.cfg.Keys
	if keys == nil {
		keys = func(string) (sigv4.Key, bool) { return sigv4.Key{}, false }
	}
	verifier := sigv4.New(d.cfg.Region, service, keys, sigv4.Config{Now: d.source.now})
	who, err := verifier.Verify(r, body)
	if err == nil {
		return who, nil
	}
	refusal, ok := errors.AsType[*sigv4.Error](err)
	switch {
	case !ok:
		return nil, err
	case refusal.Type == sigv4.MissingToken:
		return nil, unsigned
	}
	return nil, &gatewayResponse{status: http.StatusForbidden, kind: refusal.Type, body: `{"message":` + string(encode(refusal.Message)) + `}`}
}

// iamV2 is what an event in format 2.0 says of a caller who signed.
// Source: AWS Lambda developer guide, urls-invocation.
func (d *door) iamV2(who *sigv4.Identity) map[string]any {
	return map[string]any{"iam": struct {
		AccessKey       string  `json:"accessKey"`
		AccountID       string  `json:"accountId"`
		CallerID        string  `json:"callerId"`
		CognitoIdentity *string `json:"cognitoIdentity"`
		PrincipalOrgID  *string `json:"principalOrgId"`
		UserARN         string  `json:"userArn"`
		UserID          string  `json:"userId"`
	}{who.AccessKeyID, d.cfg.Account, who.AccessKeyID, nil, nil, d.userARN(), who.AccessKeyID}}
}

// userARN is whom all local keys belong to.
func (d *door) userARN() string { return "arn:aws:iam::" + d.cfg.Account + ":root" }
