package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fakeInvoker answers with payload and remembers what it was asked.
type fakeInvoker struct {
	payload  string // of the answer
	failure  string // FunctionError
	err      error
	duration time.Duration // how long the function takes, if longer than its caller waits

	mu      sync.Mutex
	invoked []invocation.Request
}

func (f *fakeInvoker) Invoke(ctx context.Context, r invocation.Request) (*invocation.Response, error) {
	f.mu.Lock()
	f.invoked = append(f.invoked, r)
	f.mu.Unlock()
	select {
	case <-time.After(f.duration):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if f.err != nil {
		return nil, f.err
	}
	payload := f.payload
	if payload == "" {
		payload = "{}"
	}
	return &invocation.Response{ExecutedVersion: function.Latest, FunctionError: f.failure, Payload: []byte(payload), TraceID: r.TraceID}, nil
}

// only gives the one request that the function saw.
func (f *fakeInvoker) only(t *testing.T) invocation.Request {
	t.Helper()
	if len(f.invoked) != 1 {
		t.Fatalf("%d invocations, want 1", len(f.invoked))
	}
	return f.invoked[0]
}

// newTestREST is a door whose time and identifiers stand still.
func newTestREST(a api.REST, invoker Invoker) *restDoor {
	d := NewREST(a, invoker, Config{}).(*restDoor)
	d.source = fixedSource()
	return d
}

func fixedSource() source {
	return source{
		now:        func() time.Time { return time.Date(2015, 4, 9, 12, 34, 56, 789e6, time.UTC) },
		requestID:  func() string { return "c6af9ac6-7b61-11e6-9a41-93e8deadbeef" },
		extendedID: func() string { return "JKJaXmPLvHcESHA=" },
		traceID:    func(time.Time) string { return "Root=1-5526734c-7a5b1c2d3e4f5a6b7c8d9e0f" },
	}
}

// tenantREST is the API of the tenant examples: the tenant comes from the query.
func tenantREST() api.REST {
	methods := api.Route{
		Method: "ANY", Function: "counter", ValidateParameters: true,
		Parameters: []api.Parameter{{In: api.QueryString, Name: "tenant-id", Required: true}},
		Mappings: []api.Mapping{{To: api.Header, Name: "X-Amz-Tenant-Id",
			From: api.Source{In: api.QueryString, Name: "tenant-id"}}},
	}
	root, proxy := methods, methods
	root.Resource, proxy.Resource = "/", "/{proxy+}"
	return api.REST{LogicalID: "CounterApi", Stage: "Prod", Routes: []api.Route{root, proxy}}
}

// plainREST has one resource for everything, and no tenants.
func plainREST() api.REST {
	return api.REST{LogicalID: "PlainApi", Stage: "test", BinaryMediaTypes: []string{"image/png"}, Routes: []api.Route{
		{Resource: "/", Method: "ANY", Function: "plain"},
		{Resource: "/{proxy+}", Method: "ANY", Function: "plain"},
	}}
}

// send has a door answer one request, given as on the wire without the headers
// that every request has.
func send(t testing.TB, door http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	u, err := r.URL.Parse("http://127.0.0.1:3000" + target)
	if err != nil {
		t.Fatal(err)
	}
	r.URL, r.Host, r.RemoteAddr = u, "127.0.0.1:3000", "127.0.0.1:54321"
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w
}

// raw gives a header under exactly this spelling.
func raw(w *httptest.ResponseRecorder, name string) []string {
	return map[string][]string(w.Header())[name]
}

// The first minute of a newcomer, and what the tenant's door must never do.
func TestTenantFromQuery(t *testing.T) {
	const missing = `{"message": "Missing required request parameters: [tenant-id]"}`
	tests := []struct {
		name   string
		target string
		header []string
		status int
		body   string            // exactly, unless the status is 200
		tenant function.TenantID // of the invocation
	}{
		{"a tenant", "/Prod?tenant-id=alice", nil, 200, "", "alice"},
		{"a tenant under a path", "/Prod/orders/7?tenant-id=alice", nil, 200, "", "alice"},
		{"a slash after the stage", "/Prod/?tenant-id=alice", nil, 200, "", "alice"},
		{"a tenant in all its characters", "/Prod?tenant-id=a.b_c%3Ad/e%3Df%2Bg-h%40i+j", nil, 200, "", "a.b_c:d/e=f+g-h@i j"},
		{"no tenant", "/Prod", nil, 400, missing, ""},
		{"an empty tenant", "/Prod?tenant-id=", nil, 400, missing, ""},
		{"a blank tenant", "/Prod?tenant-id=%20", nil, 400, missing, ""},
		{"another parameter", "/Prod?tenant=alice", nil, 400, missing, ""},
		{"another case", "/Prod?Tenant-Id=alice", nil, 400, missing, ""},
		{"twice: the last one counts", "/Prod?tenant-id=alice&tenant-id=bob", nil, 200, "", "bob"},
		{"a character outside the pattern", "/Prod?tenant-id=a%23b", nil, 400,
			`{"message": "1 validation error detected: Value 'a#b' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+"}`, ""},
		{"a line break", "/Prod?tenant-id=a%0Ab", nil, 400,
			`{"message": "1 validation error detected: Value 'a\nb' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+"}`, ""},
		{"257 characters", "/Prod?tenant-id=" + strings.Repeat("t", 257), nil, 400,
			`{"message": "1 validation error detected: Value '` + strings.Repeat("t", 257) + `' at 'tenantId' failed to satisfy constraint: Member must have length less than or equal to 256"}`, ""},

		{"the client's own header, alone", "/Prod", []string{"X-Amz-Tenant-Id: mallory"}, 400, missing, ""},
		{"the client's own header beside the query", "/Prod?tenant-id=alice", []string{"X-Amz-Tenant-Id: mallory"}, 200, "", "alice"},
		{"in another case", "/Prod?tenant-id=alice", []string{"x-amz-TENANT-id: mallory"}, 200, "", "alice"},
		{"repeated", "/Prod?tenant-id=alice", []string{"X-Amz-Tenant-Id: mallory", "X-Amz-Tenant-Id: trudy"}, 200, "", "alice"},
		{"in the body's place", "/Prod?x=tenant-id=mallory&tenant-id=alice", nil, 200, "", "alice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeInvoker{}
			w := send(t, newTestREST(tenantREST(), fake), "GET", tt.target, "", tt.header...)
			if w.Code != tt.status {
				t.Fatalf("%d %s, want %d", w.Code, w.Body, tt.status)
			}
			if tt.status != 200 {
				if w.Body.String() != tt.body || len(fake.invoked) != 0 {
					t.Errorf("%s and %d invocations, want %s", w.Body, len(fake.invoked), tt.body)
				}
				return
			}
			got := fake.only(t)
			if got.Tenant != tt.tenant || got.Function != "counter" {
				t.Errorf("tenant %q of %s, want %q", got.Tenant, got.Function, tt.tenant)
			}
			if strings.Contains(string(got.Payload), "mallory") && !strings.Contains(tt.target, "mallory") {
				t.Errorf("the event tells of the client's own header: %s", got.Payload)
			}
		})
	}
}

// A template may map from the client's X-Amz-Tenant-Id, and then it is the tenant.
func TestTenantFromItsOwnHeader(t *testing.T) {
	a := plainREST()
	a.Routes[0].Mappings = []api.Mapping{{To: api.Header, Name: "x-amz-tenant-id",
		From: api.Source{In: api.Header, Name: "X-Amz-Tenant-ID"}}}
	fake := &fakeInvoker{}
	if w := send(t, newTestREST(a, fake), "GET", "/test", "", "x-amz-tenant-id: alice"); w.Code != 200 || fake.only(t).Tenant != "alice" {
		t.Errorf("%d, %+v", w.Code, fake.invoked)
	}
}

// Sources of a mapping.
// Source: Amazon API Gateway developer guide, request-response-data-mappings.
func TestMappingSources(t *testing.T) {
	literal := "fixed"
	tests := []struct {
		name string
		from api.Source
		want string // of the mapped header; "-" if it isn't there
	}{
		{"query", api.Source{In: api.QueryString, Name: "q"}, "two"},
		{"query, all values", api.Source{In: api.MultiQueryString, Name: "q"}, "one|two"},
		{"query, case matters", api.Source{In: api.QueryString, Name: "Q"}, "-"},
		{"header", api.Source{In: api.Header, Name: "x-tenant"}, "h2"},
		{"header, all values", api.Source{In: api.MultiHeader, Name: "X-Tenant"}, "h1|h2"},
		{"path, not decoded", api.Source{In: api.Path, Name: "proxy"}, "a/b%2Bc"},
		{"path, another name", api.Source{In: api.Path, Name: "id"}, "-"},
		{"literal", api.Source{Literal: &literal}, "fixed"},
		{"stage variable", api.Source{Variable: "color"}, "blue"},
		{"stage variable that isn't set", api.Source{Variable: "shape"}, "-"},
		{"context.stage", api.Source{Context: "stage"}, "test"},
		{"context.httpMethod", api.Source{Context: "httpMethod"}, "GET"},
		{"context.requestId", api.Source{Context: "requestId"}, "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"},
		{"context.identity.sourceIp", api.Source{Context: "identity.sourceIp"}, "127.0.0.1"},
		{"context.resourcePath", api.Source{Context: "resourcePath"}, "/{proxy+}"},
		{"context.requestTimeEpoch", api.Source{Context: "requestTimeEpoch"}, "1428582896789"},
		{"context.identity.userAgent, unknown", api.Source{Context: "identity.userAgent"}, "-"},
		{"context that doesn't exist", api.Source{Context: "weather"}, "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := plainREST()
			a.Variables = map[string]string{"color": "blue"}
			a.Routes[1].Mappings = []api.Mapping{
				{To: api.Header, Name: "X-Mapped", From: tt.from},
				{To: api.QueryString, Name: "mapped", From: tt.from},
			}
			fake := &fakeInvoker{}
			send(t, newTestREST(a, fake), "GET", "/test/a/b%2Bc?q=one&q=two", "", "X-Tenant: h1", "X-Tenant: h2")
			var event eventV1
			if err := json.Unmarshal(fake.only(t).Payload, &event); err != nil {
				t.Fatal(err)
			}
			show := func(all []string) string {
				if all == nil {
					return "-"
				}
				return strings.Join(all, "|")
			}
			if got := show(event.MultiValueHeaders["X-Mapped"]); got != tt.want {
				t.Errorf("header %q, want %q", got, tt.want)
			}
			if got := show(event.MultiValueQueryStringParameters["mapped"]); got != tt.want {
				t.Errorf("query %q, want %q", got, tt.want)
			}
			if fake.only(t).Tenant != "" {
				t.Errorf("tenant %q", fake.only(t).Tenant)
			}
		})
	}
}

// A mapping replaces what the client sent under the same name, in any case, and
// leaves no second header beside it.
func TestMappingReplaces(t *testing.T) {
	a := plainREST()
	literal := "gateway"
	a.Routes[0].Mappings = []api.Mapping{{To: api.Header, Name: "x-Who", From: api.Source{Literal: &literal}}}
	fake := &fakeInvoker{}
	send(t, newTestREST(a, fake), "GET", "/test", "", "X-Who: client", "X-Who: client too")
	var event eventV1
	if err := json.Unmarshal(fake.only(t).Payload, &event); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %v %v", event.MultiValueHeaders["x-Who"], event.Headers["x-Who"], event.MultiValueHeaders["X-Who"]); got != "[gateway] gateway []" {
		t.Error(got)
	}
}

// Required parameters are reported by location: headers, path, query.
// Source: Amazon API Gateway developer guide, api-gateway-method-request-validation.
func TestMissingParameters(t *testing.T) {
	a := api.REST{LogicalID: "Api", Stage: "s", Routes: []api.Route{{
		Resource: "/{id}", Method: "GET", Function: "f", ValidateParameters: true,
		Parameters: []api.Parameter{
			{In: api.QueryString, Name: "qs1", Required: true},
			{In: api.QueryString, Name: "optional"},
			{In: api.Path, Name: "issuer", Required: true},
			{In: api.Path, Name: "id", Required: true},
			{In: api.Header, Name: "x-header-param", Required: true},
		},
	}}}
	w := send(t, newTestREST(a, &fakeInvoker{}), "GET", "/s/7", "")
	if want := `{"message": "Missing required request parameters: [x-header-param, issuer, qs1]"}`; w.Code != 400 || w.Body.String() != want {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
	if kind := raw(w, "x-amzn-ErrorType"); len(kind) != 1 || kind[0] != "BadRequestException" {
		t.Errorf("x-amzn-ErrorType %q", kind)
	}
	a.Routes[0].ValidateParameters = false
	if w := send(t, newTestREST(a, &fakeInvoker{}), "GET", "/s/7", ""); w.Code != 200 {
		t.Errorf("without a validator: %d %s", w.Code, w.Body)
	}
}

// Events, byte for byte. The shapes, and the rows about paths, spelling and
// repeated values, are those of events that AWS sent to functions
// (test_lambda_aws_proxy_integration in LocalStack's snapshots, recorded on AWS);
// the values of this gateway's own stand in.
func TestEvents(t *testing.T) {
	binary := "\x89PNG\r\n\x1a\n"
	variables := plainREST()
	variables.Variables = map[string]string{"color": "blue"}
	tests := []struct {
		file   string
		api    api.REST
		method string
		target string
		body   string
		header []string
	}{
		{"root", plainREST(), "GET", "/test", "", []string{"User-Agent: curl/8.5.0", "Accept: */*"}},
		{"proxy", plainREST(), "GET", "/test/test-path", "", []string{"Test-Header: aValue"}},
		{"trailing-slash", plainREST(), "GET", "/test/test-path/?urlparam=test", "", nil},
		{"slash-after-stage", plainREST(), "GET", "/test//proxy-value", "", nil},
		{"inner-slashes", plainREST(), "GET", "/test/a//b", "", nil},
		{"encoded-path", plainREST(), "GET", "/test/user/test%2Balias@gmail.com/plus/test+alias@gmail.com", "", nil},
		{"encoded-query", plainREST(), "GET", "/test/api?email=test%2Balias@gmail.com&plus=test+alias@gmail.com&url=https://www.google.com/&whitespace=foo%20bar&bad=100%&flag&semi=a;b", "", nil},
		{"repeated", plainREST(), "POST", "/test/r?category=electronics&category=books", `{"message":"hello world"}`,
			[]string{"Content-Type: application/json;charset=utf-8", "X-Twice: one", "X-Twice: two"}},
		{"binary", plainREST(), "POST", "/test/image", binary, []string{"Content-Type: image/png"}},
		{"not-utf8", plainREST(), "POST", "/test/image", binary, []string{"Content-Type: application/octet-stream"}},
		{"proxies", plainREST(), "GET", "/test", "", []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: gopher", "Connection: keep-alive", "Te: trailers"}},
		{"trace", plainREST(), "GET", "/test", "", []string{"X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678;Sampled=1"}},
		{"variables", variables, "DELETE", "/test", "", nil},
		{"tenant", tenantREST(), "GET", "/Prod?tenant-id=alice", "", []string{"X-Amz-Tenant-Id: mallory"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			fake := &fakeInvoker{}
			w := send(t, newTestREST(tt.api, fake), tt.method, tt.target, tt.body, tt.header...)
			if w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			compare(t, filepath.Join("testdata", "rest", tt.file+".json"), fake.only(t).Payload)
		})
	}
}

// compare holds an event against a golden file, indented there to be read.
func compare(t *testing.T, file string, event []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, event, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, event)
	}
	indented.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(indented.Bytes(), want) {
		t.Errorf("the event differs from %s:\n%s", file, indented.Bytes())
	}
}

// Every answer says whose it is.
func TestOwnHeaders(t *testing.T) {
	w := send(t, newTestREST(plainREST(), &fakeInvoker{}), "GET", "/test", "")
	for name, want := range map[string]string{
		"x-amzn-RequestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
		"x-amz-apigw-id":   "JKJaXmPLvHcESHA=",
		"X-Amzn-Trace-Id":  "Root=1-5526734c-7a5b1c2d3e4f5a6b7c8d9e0f",
	} {
		if got := raw(w, name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	w = send(t, newTestREST(plainREST(), &fakeInvoker{}), "GET", "/nowhere", "")
	if raw(w, "x-amzn-RequestId") == nil || raw(w, "x-amz-apigw-id") == nil {
		t.Errorf("a refusal has %v", w.Header())
	}
}

// What the gateway answers by itself.
// Source: Amazon API Gateway developer guide, supported-gateway-response-types and
// limits.
func TestRefusals(t *testing.T) {
	secret := errors.New("fork/exec /home/me: too many open files")
	tests := []struct {
		name   string
		target string
		body   string
		fake   *fakeInvoker
		status int
		kind   string
		want   string
		logged bool
	}{
		{name: "no stage", target: "/", status: 403, kind: "MissingAuthenticationTokenException", want: `{"message":"Missing Authentication Token"}`},
		{name: "another stage", target: "/Tests/x", status: 403, kind: "MissingAuthenticationTokenException", want: `{"message":"Missing Authentication Token"}`},
		{name: "the largest body", target: "/test", body: strings.Repeat("b", 10<<20), status: 200, want: ""},
		{name: "a body of 10 MB and one byte", target: "/test", body: strings.Repeat("b", 10<<20+1), status: 413, kind: "RequestTooLargeException",
			want: `{"message":"HTTP content length exceeded 10485760 bytes."}`},
		{name: "an event too large for Lambda", target: "/test", fake: &fakeInvoker{err: &function.Refusal{Type: function.RequestTooLarge, Message: "x"}},
			status: 413, kind: "RequestTooLargeException", want: `{"message":"Request Too Long"}`},
		{name: "a function error", target: "/test", fake: &fakeInvoker{failure: "Unhandled", payload: `{"errorMessage":"no"}`},
			status: 502, kind: "InternalServerErrorException", want: `{"message": "Internal server error"}`, logged: true},
		{name: "no such function", target: "/test", fake: &fakeInvoker{err: &function.Refusal{Type: function.ResourceNotFound, Message: "Function not found"}},
			status: 502, kind: "InternalServerErrorException", want: `{"message": "Internal server error"}`, logged: true},
		{name: "no room", target: "/test", fake: &fakeInvoker{err: &function.Refusal{Type: function.TooManyRequests, Message: "Rate exceeded"}},
			status: 502, kind: "InternalServerErrorException", want: `{"message": "Internal server error"}`, logged: true},
		{name: "a fault of Berth's", target: "/test", fake: &fakeInvoker{err: secret},
			status: 502, kind: "InternalServerErrorException", want: `{"message": "Internal server error"}`, logged: true},
		{name: "an isolated function without a tenant", target: "/test", fake: &fakeInvoker{err: fmt.Errorf("invoke: %w", &function.Refusal{Type: function.InvalidParameterValue,
			Message: "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."})},
			status: 400, kind: "InvalidParameterValueException",
			want: `{"message": "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			if tt.fake == nil {
				tt.fake = &fakeInvoker{}
			}
			door := newTestREST(plainREST(), tt.fake)
			door.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			w := send(t, door, "POST", tt.target, tt.body)
			if w.Code != tt.status || w.Body.String() != tt.want {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if kind := strings.Join(raw(w, "x-amzn-ErrorType"), ","); kind != tt.kind {
				t.Errorf("x-amzn-ErrorType %q, want %q", kind, tt.kind)
			}
			if (log.Len() > 0) != tt.logged {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

// A function that takes longer than the integration may: 29 seconds, if the route
// doesn't say otherwise.
// Source: Amazon API Gateway developer guide, limits.
func TestIntegrationTimeout(t *testing.T) {
	tests := []struct {
		timeout, takes, answered time.Duration
		status                   int
	}{
		{0, 28 * time.Second, 28 * time.Second, 200},
		{0, time.Hour, 29 * time.Second, 504},
		{time.Second, 28 * time.Second, time.Second, 504},
		{time.Minute, 59 * time.Second, 59 * time.Second, 200},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			a := plainREST()
			a.Routes[0].Timeout = tt.timeout
			begin := time.Now()
			w := send(t, newTestREST(a, &fakeInvoker{duration: tt.takes}), "GET", "/test", "")
			if w.Code != tt.status || time.Since(begin) != tt.answered {
				t.Errorf("%v with a timeout of %v: %d after %v, want %d after %v", tt.takes, tt.timeout, w.Code, time.Since(begin), tt.status, tt.answered)
			}
			if body := w.Body.String(); w.Code == 504 && body != `{"message": "Endpoint request timed out"}` {
				t.Error(body)
			}
		})
	}
}

// A client that leaves ends the invocation's context, and nothing is logged.
func TestClientLeaves(t *testing.T) {
	var log bytes.Buffer
	door := newTestREST(plainREST(), &fakeInvoker{duration: time.Hour})
	door.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequest("GET", "/test", nil).WithContext(ctx)
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	if w.Body.Len() != 0 || log.Len() != 0 {
		t.Errorf("%q, log %q", w.Body, log.String())
	}
}

// A body that ends early is refused, and reaches no function.
func TestTruncatedBody(t *testing.T) {
	fake := &fakeInvoker{}
	r := httptest.NewRequest("POST", "/test", io.MultiReader(strings.NewReader("half"), brokenReader{}))
	r.ContentLength = 100
	w := httptest.NewRecorder()
	newTestREST(plainREST(), fake).ServeHTTP(w, r)
	if w.Code != http.StatusRequestTimeout || len(fake.invoked) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// FuzzREST holds what must be true of every request: the tenant is the mapped
// value or there is no invocation, nothing of a client's own tenant header gets
// into the event, and the event is JSON.
func FuzzREST(f *testing.F) {
	f.Add("GET", "/Prod?tenant-id=alice", "X-Amz-Tenant-Id", "mallory", "")
	f.Add("POST", "/Prod//a/../b?tenant-id=%ff", "x-amz-tenant-id", "mallory", "\xff")
	f.Add("PUT", "/Prod/%2e%2e/%00?tenant-id=a&tenant-id=b&%74enant-id=c", "X-AMZ-TENANT-ID ", "m", "{}")
	f.Add("GET", "/Prod?tenant-id=a;tenant-id=b", "Host", "x", "")
	f.Fuzz(func(t *testing.T, method, target, name, value, body string) {
		r := httptest.NewRequest("GET", "/", strings.NewReader(body))
		u, err := r.URL.Parse(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		r.Method, r.URL = method, u
		const mark = "client-said-so"
		r.Header.Add(name, value)
		r.Header.Add(tenantHeader, mark)
		fake := &fakeInvoker{}
		w := httptest.NewRecorder()
		newTestREST(tenantREST(), fake).ServeHTTP(w, r)
		query := parseQuery(u.RawQuery)
		want, mapped := query.last("tenant-id")
		if len(fake.invoked) == 0 {
			if w.Code == 200 {
				t.Fatalf("200 without an invocation: %s", w.Body)
			}
			return
		}
		got := fake.invoked[0]
		if !mapped || string(got.Tenant) != want || want == "" {
			t.Fatalf("tenant %q, mapped is %q", got.Tenant, want)
		}
		var event eventV1
		if err := json.Unmarshal(got.Payload, &event); err != nil {
			t.Fatalf("%v in %s", err, got.Payload)
		}
		for shown, all := range event.MultiValueHeaders {
			if strings.EqualFold(shown, tenantHeader) && (len(all) != 1 || all[0] != want) {
				t.Fatalf("the event shows %s: %q", shown, all)
			}
		}
	})
}

func BenchmarkREST(b *testing.B) {
	door := NewREST(tenantREST(), &fakeInvoker{payload: `{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":"{\"count\":1}"}`}, Config{})
	r := httptest.NewRequest("GET", "/Prod?tenant-id=alice", nil)
	r.Header.Set("User-Agent", "curl/8.5.0")
	r.Header.Set("Accept", "*/*")
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		if door.ServeHTTP(w, r); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
