package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var at = time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)

// keys has one key that stays and one that doesn't.
func keys(id string) (Key, bool) {
	switch id {
	case "AKIDEXAMPLE":
		return Key{Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, true
	case "ASIATEMPORARY":
		return Key{Secret: "temporary-secret", Token: "the-token", Expiry: at.Add(time.Hour)}, true
	}
	return Key{}, false
}

func newVerifier(now time.Time) *Verifier {
	return New("us-east-1", "lambda", keys, Config{Now: func() time.Time { return now }})
}

// signed is a request that AWS's SDK has signed, as a server sees it.
func signed(t testing.TB, method, target, body string, credentials aws.Credentials, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://localhost:4566"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(hash[:]), "lambda", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	return received(t, r)
}

// received is r as it looks at the other end.
func received(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	got := httptest.NewRequest(r.Method, r.URL.RequestURI(), nil)
	got.Host = r.Host
	if got.Host == "" {
		got.Host = r.URL.Host
	}
	got.Header = r.Header.Clone()
	got.ContentLength = r.ContentLength
	return got
}

var (
	permanent = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	temporary = aws.Credentials{AccessKeyID: "ASIATEMPORARY", SecretAccessKey: "temporary-secret", SessionToken: "the-token"}
)

// What AWS's SDK signs is accepted.
func TestSDKSigns(t *testing.T) {
	tests := []struct {
		name, method, target, body string
		credentials                aws.Credentials
		header                     []string
	}{
		{"a GET", "GET", "/2015-03-31/functions/", "", permanent, nil},
		{"a POST", "POST", "/2015-03-31/functions/counter/invocations", `{"n":1}`, permanent, []string{"Content-Type: application/json"}},
		{"an ARN that is escaped", "POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ac%3A%24LATEST/invocations", "{}", permanent, nil},
		{"an ARN as it is", "POST", "/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:c/invocations", "{}", permanent, nil},
		{"a query", "GET", "/?b=2&a=1&a=0&empty&space=a%20b&slash=%2F&tilde=~&utf8=%C3%A9", "", permanent, nil},
		{"a tenant", "POST", "/f", "{}", permanent, []string{"X-Amz-Tenant-Id: acme eu/west"}},
		{"repeated headers and spaces", "POST", "/f", "{}", permanent, []string{"X-Amz-Meta: a  b", "X-Amz-Meta: c"}},
		{"a session token", "POST", "/f", "{}", temporary, nil},
		{"a slash at the end", "GET", "/a/b/", "", permanent, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			who, err := newVerifier(at).Verify(signed(t, tt.method, tt.target, tt.body, tt.credentials, tt.header...), []byte(tt.body))
			if err != nil || who.AccessKeyID != tt.credentials.AccessKeyID || who.Presigned {
				t.Errorf("%+v, %v", who, err)
			}
		})
	}
}

// presigned is a request that AWS's SDK has signed in its query.
func presigned(t testing.TB, target string, credentials aws.Credentials, expires int) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", "http://localhost:4566"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := r.URL.Query()
	q.Set("X-Amz-Expires", fmt.Sprint(expires))
	r.URL.RawQuery = q.Encode()
	empty := sha256.Sum256(nil)
	uri, header, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, r, hex.EncodeToString(empty[:]), "lambda", "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.Parse(uri); err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return received(t, r)
}

func TestPresigned(t *testing.T) {
	for _, credentials := range []aws.Credentials{permanent, temporary} {
		r := presigned(t, "/path?x=a%20b", credentials, 600)
		for after, want := range map[time.Duration]string{
			0:                            "",
			600 * time.Second:            "",
			601 * time.Second:            "Signature expired: 20261123T084000Z is now earlier than 20261123T084001Z (20261123T084001Z)",
			-5 * time.Minute:             "",
			-5*time.Minute - time.Second: "Signature not yet current: 20261123T083000Z is still later than 20261123T082959Z (20261123T082459Z + 5 min.)",
		} {
			who, err := newVerifier(at.Add(after)).Verify(r, nil)
			if err == nil && !who.Presigned || !strings.HasSuffix(fmt.Sprint(err), want) || (err == nil) != (want == "") {
				t.Errorf("%v later: %+v, %v, want %s", after, who, err, want)
			}
		}
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "x=a%20b", "x=a%20c", 1)
		if _, err := newVerifier(at).Verify(r, nil); err == nil {
			t.Error("another query passed")
		}
	}
}

// The answers to what can be wrong.
// Source: IAM user guide, reference_sigv-troubleshooting.
func TestRefusals(t *testing.T) {
	edit := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			h := r.Header.Get("Authorization")
			if !strings.Contains(h, from) {
				panic(from + " is not in " + h)
			}
			r.Header.Set("Authorization", strings.Replace(h, from, to, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := []struct {
		name string
		edit func(*http.Request)
		now  time.Duration // after the signing
		want string
	}{
		{"unsigned", func(r *http.Request) { r.Header.Del("Authorization") }, 0, "MissingAuthenticationTokenException: Missing Authentication Token"},
		{"another scheme", set("Authorization", "Bearer abc"), 0, "MissingAuthenticationTokenException: Missing Authentication Token"},
		{"another algorithm", set("Authorization", "AWS4-ECDSA-P256-SHA256 Credential=x"), 0, "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."},
		{"nothing but the algorithm", set("Authorization", "AWS4-HMAC-SHA256"), 0,
			"IncompleteSignatureException: Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=YI2YWea8FSxnksZL2ETHbs5elHm9HQufxTLK0W0ffV0="},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 0, "IncompleteSignatureException: Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{"a short credential", edit("/aws4_request", ""), 0, "IncompleteSignatureException: Credential must have exactly 5"},
		{"an unknown key", edit("AKIDEXAMPLE", "AKIDNOBODY"), 0, "UnrecognizedClientException: The security token included in the request is invalid."},
		{"a token that the key doesn't have", set("X-Amz-Security-Token", "forged"), 0, "UnrecognizedClientException: The security token included in the request is invalid."},
		{"another region", edit("us-east-1", "eu-west-1"), 0, "InvalidSignatureException: Credential should be scoped to a valid region, not 'eu-west-1'. "},
		{"another service", edit("/lambda/", "/s3/"), 0, "InvalidSignatureException: Credential should be scoped to correct service: 'lambda'. "},
		{"another terminator", edit("aws4_request", "aws5_request"), 0, "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
		{"another day", edit("20261123", "20261122"), 0, "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261122' != '20261123', from '20261123T083000Z'."},
		{"at the edge", func(*http.Request) {}, 5 * time.Minute, "<nil>"},
		{"too old", func(*http.Request) {}, 5*time.Minute + time.Second, "InvalidSignatureException: Signature expired: 20261123T083000Z is now earlier than 20261123T083001Z (20261123T083501Z - 5 min.)"},
		{"in the future", func(*http.Request) {}, -5*time.Minute - time.Second, "InvalidSignatureException: Signature not yet current: 20261123T083000Z is still later than 20261123T082959Z (20261123T082459Z + 5 min.)"},
		{"a header of AWS's that isn't signed", set("X-Amz-Tenant-Id", "mallory"), 0, "InvalidSignatureException: The header 'x-amz-tenant-id' must be a 'SignedHeader' in the AWS Authorization."},
		{"Host not signed", edit("host;", ""), 0, "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"the signature in capitals", func(r *http.Request) {
			h := r.Header.Get("Authorization")
			i := strings.Index(h, "Signature=") + len("Signature=")
			r.Header.Set("Authorization", h[:i]+strings.ToUpper(h[i:]))
		}, 0, "InvalidSignatureException: " + mismatch},
		{"no signature's worth", edit("Signature=", "Signature=0"), 0, "InvalidSignatureException: " + mismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := signed(t, "POST", "/f", "{}", permanent)
			tt.edit(r)
			_, err := newVerifier(at.Add(tt.now)).Verify(r, []byte("{}"))
			if !strings.HasPrefix(fmt.Sprint(err), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if refusal := (*Error)(nil); err != nil && !errors.As(err, &refusal) {
				t.Errorf("%T", err)
			}
		})
	}

	r := signed(t, "POST", "/f", "{}", temporary)
	for change, want := range map[string]string{"the-token": "ExpiredTokenException", "": "UnrecognizedClientException"} {
		r.Header.Set("X-Amz-Security-Token", change)
		if _, err := newVerifier(at.Add(time.Hour)).Verify(r, []byte("{}")); !strings.HasPrefix(fmt.Sprint(err), want) {
			t.Errorf("token %q: %v, want %s", change, err, want)
		}
	}
}

// Every mutation of a signed request is refused: each byte of each signed header,
// of the body, of the path and of the query, and the method.
func TestMutations(t *testing.T) {
	const body = `{"amount":100}`
	fresh := func() *http.Request {
		return signed(t, "POST", "/2015-03-31/functions/counter/invocations?Qualifier=live&x=1", body, temporary,
			"X-Amz-Tenant-Id: acme", "X-Amz-Invocation-Type: RequestResponse", "Content-Type: application/json")
	}
	v := newVerifier(at)
	if _, err := v.Verify(fresh(), []byte(body)); err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, r *http.Request, body string) {
		t.Helper()
		if _, err := v.Verify(r, []byte(body)); err == nil {
			t.Errorf("%s passed", what)
		}
	}
	for i := range len(body) {
		refuse(fmt.Sprintf("byte %d of the body", i), fresh(), body[:i]+string(body[i]^1)+body[i+1:])
	}
	refuse("a byte less", fresh(), body[:len(body)-1])
	refuse("a byte more", fresh(), body+" ")
	for name := range fresh().Header {
		value := fresh().Header.Get(name)
		for i := range len(value) {
			r := fresh()
			r.Header.Set(name, value[:i]+string(value[i]^1)+value[i+1:])
			refuse(fmt.Sprintf("byte %d of %s", i, name), r, body)
		}
		r := fresh()
		r.Header.Add(name, "more")
		if name != "Authorization" { // of it, the first one counts
			refuse("a second "+name, r, body)
		}
		r = fresh()
		r.Header.Del(name)
		refuse("no "+name, r, body)
	}
	r := fresh()
	r.Host = "localhost:4567"
	refuse("another Host", r, body)
	r = fresh()
	r.Method = "PUT"
	refuse("another method", r, body)
	r = fresh()
	r.ContentLength++
	refuse("another length", r, body)
	path := fresh().URL.Path
	for i := 1; i < len(path); i++ {
		r := fresh()
		r.URL.Path = path[:i] + string(path[i]^1) + path[i+1:]
		refuse(fmt.Sprintf("byte %d of the path", i), r, body)
	}
	query := fresh().URL.RawQuery
	for i := range len(query) {
		r := fresh()
		r.URL.RawQuery = query[:i] + string(query[i]^1) + query[i+1:]
		refuse(fmt.Sprintf("byte %d of the query", i), r, body)
	}
}

// What curl signs is accepted, as users will try it.
func TestCurlSigns(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	verified := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, max(0, r.ContentLength))
		n, _ := r.Body.Read(body)
		_, err := New("us-east-1", "lambda", keys, Config{}).Verify(r, body[:n])
		verified <- err
	}))
	defer server.Close()
	for _, args := range [][]string{
		{"/path/to"},
		{"/path?a=1", "-X", "DELETE"},
		{"/path", "-H", "Content-Type: application/json", "-d", `{"n":1}`},
	} {
		args[0] = server.URL + args[0]
		args = append(args, "-sS", "--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
		if out, err := exec.CommandContext(t.Context(), curl, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := <-verified; err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// FuzzVerify holds that whatever was not signed is refused, with one of AWS's
// types.
func FuzzVerify(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20261123T083000Z", "/a/../b", "a=1&b")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;;,Signature==", "x", "//", "X-Amz-Signature=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=-1")
	f.Add("", "", "/", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE/20261123/us-east-1/lambda/aws4_request&X-Amz-Date=20261123T083000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=%30")
	types := []string{MissingToken, incomplete, invalid, unrecognized, expiredToken}
	f.Fuzz(func(t *testing.T, authorization, date, path, query string) {
		r := &http.Request{Method: "GET", Host: "localhost", URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		r.Header.Set("X-Amz-Date", date)
		who, err := newVerifier(at).Verify(r, nil)
		var refusal *Error
		if err == nil || !errors.As(err, &refusal) {
			t.Fatalf("%+v, %v", who, err)
		}
		if !strings.Contains(strings.Join(types, " "), refusal.Type) || refusal.Message == "" {
			t.Fatal(refusal)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	body := []byte(`{"n":1}`)
	r := signed(b, "POST", "/2015-03-31/functions/counter/invocations", string(body), permanent, "X-Amz-Tenant-Id: acme")
	v := newVerifier(at)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, body); err != nil {
			b.Fatal(err)
		}
	}
}
