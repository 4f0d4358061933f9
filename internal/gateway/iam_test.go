package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/sigv4"
)

// Where only signed requests come in, the function learns who signed, and the
// others get each product's own answer.
// Source: AWS Lambda developer guide, urls-auth and urls-invocation; Amazon API
// Gateway developer guide, permissions and http-api-access-control-iam.
func TestIAM(t *testing.T) {
	cfg := Config{Keys: func(id string) (sigv4.Key, bool) { return sigv4.Key{Secret: "secret"}, id == "AKIDEXAMPLE" }}
	const wrong = `"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."`
	tests := []struct {
		kind, service string
		door          func(Invoker, Config) http.Handler
		unsigned      string
		invalid       string
		signed        string // what the event says of the caller
	}{
		{"function URL", "lambda", func(i Invoker, c Config) http.Handler {
			return NewFunctionURL(api.FunctionURL{Function: "f", IAM: true}, i, c)
		}, `403 {"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`,
			"403 {" + wrong + "}",
			"map[iam:map[accessKey:AKIDEXAMPLE accountId:123456789012 callerId:AKIDEXAMPLE cognitoIdentity:<nil> principalOrgId:<nil> userArn:arn:aws:iam::123456789012:root userId:AKIDEXAMPLE]]"},
		{"HTTP API", "execute-api", func(i Invoker, c Config) http.Handler {
			return NewHTTP(api.HTTP{Stage: "$default", Routes: []api.HTTPRoute{{Path: "$default", Function: "f", IAM: true}}}, i, c)
		}, `403 {"message":"Forbidden"}`, `403 {"message":"Forbidden"}`,
			"map[iam:map[accessKey:AKIDEXAMPLE accountId:123456789012 callerId:AKIDEXAMPLE cognitoIdentity:<nil> principalOrgId:<nil> userArn:arn:aws:iam::123456789012:root userId:AKIDEXAMPLE]]"},
		{"REST API", "execute-api", func(i Invoker, c Config) http.Handler {
			return NewREST(api.REST{Stage: "s", Routes: []api.Route{{Resource: "/", Method: "ANY", Function: "f", IAM: true}}}, i, c)
		}, `403 {"message":"Missing Authentication Token"}`, "403 {" + wrong + "}", "AKIDEXAMPLE arn:aws:iam::123456789012:root"},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			fake := &fakeInvoker{}
			server := httptest.NewServer(tt.door(fake, cfg))
			defer server.Close()
			request := func(secret, body string) string {
				r, err := http.NewRequest("POST", server.URL+"/s", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if secret != "" {
					hash := sha256.Sum256([]byte("signed body"))
					err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret}, r,
						hex.EncodeToString(hash[:]), tt.service, "us-east-1", newSource().now())
					if err != nil {
						t.Fatal(err)
					}
				}
				resp, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				var text strings.Builder
				if _, err := fmt.Fprint(&text, resp.StatusCode, " "); err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != 200 {
					buffer := make([]byte, 4096)
					n, _ := resp.Body.Read(buffer)
					text.Write(buffer[:n])
				}
				return text.String()
			}
			if got := request("", "signed body"); got != tt.unsigned {
				t.Errorf("unsigned: %s, want %s", got, tt.unsigned)
			}
			if got := request("another secret", "signed body"); got != tt.invalid {
				t.Errorf("wrong secret: %s, want %s", got, tt.invalid)
			}
			if got := request("secret", "another body"); got != tt.invalid {
				t.Errorf("another body: %s, want %s", got, tt.invalid)
			}
			if len(fake.invoked) != 0 {
				t.Fatal("the function was reached")
			}
			if got := request("secret", "signed body"); got != "200 " {
				t.Fatalf("signed: %s", got)
			}
			var event struct {
				RequestContext struct {
					AccountID  string `json:"accountId"`
					Authorizer any
					Identity   struct{ AccessKey, UserArn string }
				}
			}
			if err := json.Unmarshal(fake.only(t).Payload, &event); err != nil {
				t.Fatal(err)
			}
			who := fmt.Sprint(event.RequestContext.Authorizer)
			if event.RequestContext.Authorizer == nil {
				who = event.RequestContext.Identity.AccessKey + " " + event.RequestContext.Identity.UserArn
			}
			if who != tt.signed || event.RequestContext.AccountID != "123456789012" {
				t.Errorf("%s of %s, want %s", who, event.RequestContext.AccountID, tt.signed)
			}
		})
	}
}

// Without keys nobody comes in.
func TestIAMWithoutKeys(t *testing.T) {
	fake := &fakeInvoker{}
	w := send(t, NewFunctionURL(api.FunctionURL{Function: "f", IAM: true}, fake, Config{}), "GET", "/", "",
		"Authorization: AWS4-HMAC-SHA256 Credential=A/20261123/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=0", "X-Amz-Date: 20261123T083000Z")
	if w.Code != 403 || len(fake.invoked) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
