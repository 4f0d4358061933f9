package gateway

import (
	"regexp"
	"strings"
	"testing"
)

// Source: IAM user guide, reference_policies_evaluation-logic and
// reference_policies_elements_resource.
func TestPolicy(t *testing.T) {
	const arn = "arn:aws:execute-api:us-east-1:123456789012:abc/test/GET/orders/7"
	tests := []struct {
		name, document string
		want           string // "allowed", "denied", "not allowed", or what the error says
	}{
		{"all", `{"Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]}`, "allowed"},
		{"the method itself", `{"Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"` + arn + `"}]}`, "allowed"},
		{"one statement without a list", `{"Version":"2012-10-17","Statement":{"Sid":"x","Action":["execute-api:*"],"Effect":"Allow","Resource":["no","arn:aws:execute-api:*:*:abc/test/GET/*"]}}`, "allowed"},
		{"case of an action", `{"Statement":[{"Action":"EXECUTE-API:invoke","Effect":"Allow","Resource":"*"}]}`, "allowed"},
		{"one character", `{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*/orders/?"}]}`, "allowed"},
		{"another action", `{"Statement":[{"Action":"execute-api:ManageConnections","Effect":"Allow","Resource":"*"}]}`, "not allowed"},
		{"another method", `{"Statement":[{"Action":"*","Effect":"Allow","Resource":"arn:aws:execute-api:us-east-1:123456789012:abc/test/POST/*"}]}`, "not allowed"},
		{"a prefix is no match", `{"Statement":[{"Action":"*","Effect":"Allow","Resource":"arn:aws:execute-api:us-east-1:123456789012:abc/test/GET/orders"}]}`, "not allowed"},
		{"deny beats allow", `{"Statement":[{"Action":"*","Effect":"Deny","Resource":"*/orders/*"},{"Action":"*","Effect":"Allow","Resource":"*"}]}`, "denied"},
		{"in either order", `{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"},{"Action":"*","Effect":"Deny","Resource":"*/orders/*"}]}`, "denied"},
		{"a deny for something else", `{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"},{"Action":"*","Effect":"Deny","Resource":"*/admin"}]}`, "allowed"},
		{"allowed on a condition", `{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"1.2.3.4"}}}]}`, "not allowed"},
		{"denied on a condition", `{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"},{"Action":"*","Effect":"Deny","Resource":"*","Condition":{"Bool":{}}}]}`, "denied"},
		{"nothing", `{"Statement":[]}`, "not allowed"},
		{"a statement about nothing", `{"Statement":[{"Effect":"Allow"}]}`, "not allowed"},
		{"NotResource", `{"Statement":[{"Action":"*","Effect":"Allow","NotResource":"x"}]}`, "NotResource: the key is not supported"},
		{"an unknown effect", `{"Statement":[{"Action":"*","Effect":"allow","Resource":"*"}]}`, "neither Allow nor Deny"},
		{"no effect", `{"Statement":[{"Action":"*","Resource":"*"}]}`, "there is no Effect"},
		{"no statement", `{}`, "Statement is neither"},
		{"text", `"*"`, "policyDocument"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parsePolicy([]byte(tt.document))
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v, want %s", err, tt.want)
				}
				return
			}
			if got := map[decision]string{allowed: "allowed", denied: "denied", notAllowed: "not allowed"}[p.decide(arn)]; got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzMatchWildcard compares with a regular expression.
func FuzzMatchWildcard(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Add("*a*a*", "bab")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if strings.Contains(pattern+text, "\n") || !regexp.MustCompile(`^[ -~]*$`).MatchString(pattern+text) {
			return // ARNs are printable ASCII
		}
		expression := "^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$"
		if got, want := matchWildcard(pattern, text), regexp.MustCompile(expression).MatchString(text); got != want {
			t.Fatalf("%q with %q: %v, want %v", pattern, text, got, want)
		}
	})
}
