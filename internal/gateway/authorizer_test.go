package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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

// fakeFunctions answers by the function's name.
type fakeFunctions struct {
	answers map[string]func(invocation.Request) (payload, failure string, err error)

	mu      sync.Mutex
	invoked map[string][]invocation.Request
}

func (f *fakeFunctions) Invoke(ctx context.Context, r invocation.Request) (*invocation.Response, error) {
	f.mu.Lock()
	if f.invoked == nil {
		f.invoked = map[string][]invocation.Request{}
	}
	f.invoked[r.Function] = append(f.invoked[r.Function], r)
	f.mu.Unlock()
	payload, failure, err := "{}", "", error(nil)
	if answer := f.answers[r.Function]; answer != nil {
		payload, failure, err = answer(r)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return &invocation.Response{Payload: []byte(payload), FunctionError: failure, TraceID: r.TraceID}, err
}

// behind is the backend's only event.
func (f *fakeFunctions) behind(t *testing.T) map[string]any {
	t.Helper()
	if n := len(f.invoked["f"]); n != 1 {
		t.Fatalf("%d invocations of the function, want 1", n)
	}
	var event map[string]any
	if err := json.Unmarshal(f.invoked["f"][0].Payload, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// says answers with one payload.
func says(payload string) func(invocation.Request) (string, string, error) {
	return func(invocation.Request) (string, string, error) { return payload, "", nil }
}

const allowAll = `{"principalId":"user|a1b2","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]},` +
	`"context":{"tenantId":"acme","level":3,"admin":false,"nothing":null}}`

func tokenAuthorizer() *api.Authorizer {
	return &api.Authorizer{Name: "token", Kind: api.Token, Function: "auth", TTL: 300 * time.Second,
		Identity: []api.Source{{In: api.Header, Name: "Authorization"}}}
}

func requestAuthorizer() *api.Authorizer {
	return &api.Authorizer{Name: "request", Kind: api.Request, Function: "auth",
		Identity: []api.Source{{In: api.Header, Name: "X-Key"}, {In: api.QueryString, Name: "q"}}}
}

// guardedREST has an authorizer, and takes the tenant from what it says.
func guardedREST(a *api.Authorizer) api.REST {
	route := api.Route{Method: "ANY", Function: "f", Authorizer: a, Mappings: []api.Mapping{
		{To: api.Header, Name: "X-Amz-Tenant-Id", From: api.Source{Context: "authorizer.tenantId"}}}}
	paths := []string{"/", "/admin", "/orders/{tenantId}", "/{proxy+}"}
	rest := api.REST{LogicalID: "Guarded", Stage: "test"}
	for _, path := range paths {
		route.Resource = path
		rest.Routes = append(rest.Routes, route)
	}
	return rest
}

// What an authorizer's answer means for the client.
// Source: Amazon API Gateway developer guide, apigateway-use-lambda-authorizer and
// api-gateway-lambda-authorizer-output.
func TestRESTAuthorizers(t *testing.T) {
	const (
		unauthorized = `401 UnauthorizedException {"message":"Unauthorized"}`
		denied       = `403 AccessDeniedException {"Message":"User is not authorized to access this resource with an explicit deny"}`
		notAllowed   = `403 AccessDeniedException {"Message":"User is not authorized to access this resource"}`
		failed       = `500 AuthorizerConfigurationException {"message":null}`
	)
	statement := func(effect, resource string) string {
		return `{"principalId":"u","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"` + effect + `","Resource":"` + resource + `"}]}}`
	}
	pattern := tokenAuthorizer()
	pattern.Pattern = "Bearer [a-z]+"
	tests := []struct {
		name       string
		authorizer *api.Authorizer
		answer     func(invocation.Request) (string, string, error)
		path       string
		header     []string
		want       string // "200" or status, type and body
		asked      int
	}{
		{"let in", tokenAuthorizer(), says(allowAll), "/test", []string{"Authorization: t"}, "200", 1},
		{"by the request", requestAuthorizer(), says(allowAll), "/test?q=1", []string{"x-key: k"}, "200", 1},
		{"no token", tokenAuthorizer(), says(allowAll), "/test", nil, unauthorized, 0},
		{"an empty token", tokenAuthorizer(), says(allowAll), "/test", []string{"Authorization: "}, unauthorized, 0},
		{"one of two identity sources", requestAuthorizer(), says(allowAll), "/test", []string{"X-Key: k"}, unauthorized, 0},
		{"a token that fits the pattern", pattern, says(allowAll), "/test", []string{"Authorization: Bearer abc"}, "200", 1},
		{"a token that fits in part", pattern, says(allowAll), "/test", []string{"Authorization: Bearer abc1"}, unauthorized, 0},
		{"the function says Unauthorized", tokenAuthorizer(), func(invocation.Request) (string, string, error) {
			return `{"errorMessage":"Unauthorized","errorType":"errorString"}`, "Unhandled", nil
		}, "/test", []string{"Authorization: t"}, unauthorized, 1},
		{"the function fails", tokenAuthorizer(), func(invocation.Request) (string, string, error) {
			return `{"errorMessage":"oops","errorType":"errorString"}`, "Unhandled", nil
		}, "/test", []string{"Authorization: t"}, failed, 1},
		{"the function can't be invoked", tokenAuthorizer(), func(invocation.Request) (string, string, error) {
			return "", "", &function.Refusal{Type: function.TooManyRequests, Message: "Rate exceeded"}
		}, "/test", []string{"Authorization: t"}, failed, 1},
		{"denied", tokenAuthorizer(), says(statement("Deny", "*")), "/test", []string{"Authorization: t"}, denied, 1},
		{"not allowed", tokenAuthorizer(), says(statement("Allow", "*/POST/*")), "/test", []string{"Authorization: t"}, notAllowed, 1},
		{"nonsense", tokenAuthorizer(), says(`"yes"`), "/test", []string{"Authorization: t"}, failed, 1},
		{"null", tokenAuthorizer(), says(`null`), "/test", []string{"Authorization: t"}, failed, 1},
		{"no policy", tokenAuthorizer(), says(`{"principalId":"u"}`), "/test", []string{"Authorization: t"}, failed, 1},
		{"no principal", tokenAuthorizer(), says(`{"policyDocument":{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"}]}}`), "/test", []string{"Authorization: t"}, failed, 1},
		{"a context with an object", tokenAuthorizer(), says(strings.Replace(allowAll, `"level":3`, `"level":{}`, 1)), "/test", []string{"Authorization: t"}, failed, 1},

		{"the resource that is allowed", tokenAuthorizer(), says(statement("Allow", "arn:aws:execute-api:us-east-1:123456789012:*/test/GET/admin")), "/test/admin", []string{"Authorization: t"}, "200", 1},
		{"denied with an escape", tokenAuthorizer(), says(`{"principalId":"u","policyDocument":{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"},{"Action":"*","Effect":"Deny","Resource":"*/GET/admin"}]}}`),
			"/test/%61dmin", []string{"Authorization: t"}, denied, 1},
		{"denied with a slash", tokenAuthorizer(), says(`{"principalId":"u","policyDocument":{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"},{"Action":"*","Effect":"Deny","Resource":"*/GET/admin"}]}}`),
			"/test/admin/", []string{"Authorization: t"}, denied, 1},
		{"denied with two slashes", tokenAuthorizer(), says(`{"principalId":"u","policyDocument":{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"},{"Action":"*","Effect":"Deny","Resource":"*/GET/admin"}]}}`),
			"/test//admin", []string{"Authorization: t"}, denied, 1},
		{"allowed by an escape", tokenAuthorizer(), says(statement("Allow", "*/GET/%61dmin")), "/test/%61dmin", []string{"Authorization: t"}, notAllowed, 1},
		{"a slash under what is allowed", tokenAuthorizer(), says(statement("Allow", "*/GET/files/*")), "/test/files/", []string{"Authorization: t"}, "200", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": tt.answer}}
			var log bytes.Buffer
			door := newTestREST(guardedREST(tt.authorizer), fake)
			door.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			w := send(t, door, "GET", tt.path, "", tt.header...)
			got := fmt.Sprint(w.Code)
			if w.Code != 200 {
				got = fmt.Sprintf("%d %s %s", w.Code, strings.Join(raw(w, "x-amzn-ErrorType"), ""), w.Body)
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if reached := len(fake.invoked["f"]) != 0; reached != (tt.want == "200") {
				t.Errorf("the function was reached: %v", reached)
			}
			if n := len(fake.invoked["auth"]); n != tt.asked {
				t.Errorf("the authorizer was asked %d times, want %d", n, tt.asked)
			}
			if (log.Len() > 0) != (tt.want == failed) {
				t.Errorf("log %q", log.String())
			}
			if strings.Contains(log.String(), "Bearer") {
				t.Error("the log has the token")
			}
		})
	}
}

// What authorizers are given.
// Source: Amazon API Gateway developer guide, api-gateway-lambda-authorizer-input.
func TestAuthorizerEvents(t *testing.T) {
	for file, a := range map[string]*api.Authorizer{"token-authorizer": tokenAuthorizer(), "request-authorizer": requestAuthorizer()} {
		fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": says(allowAll)}}
		w := send(t, newTestREST(guardedREST(a), fake), "POST", "/test/orders/a%20b?q=1", "the body", "Authorization: allow", "X-Key: k", "X-Amz-Tenant-Id: mallory")
		if w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		compare(t, filepath.Join("testdata", "rest", file+".json"), fake.invoked["auth"][0].Payload)
		if fake.invoked["auth"][0].Tenant != "" {
			t.Error("the authorizer has a tenant")
		}
		authorizer, _ := fake.behind(t)["requestContext"].(map[string]any)["authorizer"].(map[string]any)
		if got := fmt.Sprint(authorizer); got != "map[admin:false integrationLatency:0 level:3 principalId:user|a1b2 tenantId:acme]" {
			t.Errorf("the function is told %s", got)
		}
	}
}

// Where the authorizer sets the tenant, nothing in the request can change it.
func TestAuthorizerSetsTheTenant(t *testing.T) {
	for name, tt := range map[string]struct {
		path   string
		header []string
	}{
		"nothing":           {"/test", nil},
		"header":            {"/test", []string{"X-Amz-Tenant-Id: mallory"}},
		"repeated header":   {"/test", []string{"X-Amz-Tenant-Id: mallory", "X-Amz-Tenant-Id: mallory"}},
		"another case":      {"/test", []string{"x-amz-tenant-ID: mallory"}},
		"an underscore":     {"/test", []string{"X_Amz_Tenant_Id: mallory"}},
		"query":             {"/test?tenantId=mallory&X-Amz-Tenant-Id=mallory&context.authorizer.tenantId=mallory", nil},
		"path":              {"/test/orders/mallory", nil},
		"Lambda's header":   {"/test", []string{"Lambda-Runtime-Aws-Tenant-Id: mallory"}},
		"the event's shape": {"/test", []string{"X-Amzn-Authorizer: {\"tenantId\":\"mallory\"}", "Connection: X-Amz-Tenant-Id"}},
	} {
		fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": says(allowAll)}}
		w := send(t, newTestREST(guardedREST(tokenAuthorizer()), fake), "GET", tt.path, "", append(tt.header, "Authorization: t")...)
		if w.Code != 200 || len(fake.invoked["f"]) != 1 || fake.invoked["f"][0].Tenant != "acme" {
			t.Errorf("%s: %d, %+v", name, w.Code, fake.invoked["f"])
		}
	}
	// An authorizer that says nothing of the tenant leaves the request without one.
	fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": says(strings.Replace(allowAll, "tenantId", "other", 1))}}
	send(t, newTestREST(guardedREST(tokenAuthorizer()), fake), "GET", "/test", "", "Authorization: t", "X-Amz-Tenant-Id: mallory")
	if got := fake.invoked["f"]; len(got) != 1 || got[0].Tenant != "" {
		t.Errorf("without a tenant from the authorizer: %+v", got)
	}
}

// Answers are remembered by identity and for their time, and what is remembered is
// the policy: it is held against every request anew.
// Source: Amazon API Gateway developer guide, apigateway-use-lambda-authorizer.
func TestAuthorizerCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": func(r invocation.Request) (string, string, error) {
			var event tokenEvent
			if err := json.Unmarshal(r.Payload, &event); err != nil {
				return "", "", err
			}
			if event.AuthorizationToken == "nobody" {
				return `{"errorMessage":"Unauthorized"}`, "Unhandled", nil
			}
			return `{"principalId":"u","policyDocument":{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*/GET/a"}]},"context":{"tenantId":"` + event.AuthorizationToken + `"}}`, "", nil
		}}}
		door := newTestREST(guardedREST(tokenAuthorizer()), fake)
		door.source.now = time.Now
		for i, step := range []struct {
			token, path string
			wait        time.Duration
			status      int
			asked       int // so far
		}{
			{"alice", "/test/a", 0, 200, 1},
			{"alice", "/test/a", 299 * time.Second, 200, 1},
			{"bob", "/test/a", 0, 200, 2},
			{"alice", "/test/b", 0, 403, 2},
			{"nobody", "/test/a", 0, 401, 3},
			{"nobody", "/test/a", 0, 401, 4},
			{"alice", "/test/a", time.Second, 200, 5},
		} {
			time.Sleep(step.wait)
			before := len(fake.invoked["f"])
			w := send(t, door, "GET", step.path, "", "Authorization: "+step.token)
			if w.Code != step.status || len(fake.invoked["auth"]) != step.asked {
				t.Errorf("step %d: %d after %d questions, want %d after %d", i, w.Code, len(fake.invoked["auth"]), step.status, step.asked)
			}
			if got := fake.invoked["f"][before:]; w.Code == 200 && (len(got) != 1 || string(got[0].Tenant) != step.token) {
				t.Errorf("step %d: %+v", i, got)
			}
		}
	})
}

// The identity of several sources can't be mistaken for another one's.
func TestAuthorizerCacheKeys(t *testing.T) {
	a := requestAuthorizer()
	a.TTL = time.Hour
	fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": says(allowAll)}}
	door := newTestREST(guardedREST(a), fake)
	for i, sources := range [][2]string{{"a", "b"}, {"a%22+%22b", "c"}, {"a", "b%22+%22c"}, {"ab", "%00"}, {"a", "b%00"}, {"a", "b"}} {
		send(t, door, "GET", "/test?q="+sources[1], "", "X-Key: "+sources[0])
		if want := min(i+1, 5); len(fake.invoked["auth"]) != want {
			t.Errorf("%q: %d questions, want %d", sources, len(fake.invoked["auth"]), want)
		}
	}
}

// However many identities there are, the memory has a bound.
func TestAuthorizerCacheIsBounded(t *testing.T) {
	d := newDoor("x", 10, &fakeFunctions{}, Config{})
	as := newAuthorizers(&d)
	for i := range 3 * maxGrants {
		as.remember(fmt.Sprint(i), &grant{}, time.Hour)
	}
	if n := len(as.grants); n > maxGrants {
		t.Errorf("%d answers are remembered", n)
	}
}

// HTTP APIs: two formats, two kinds of answers, their own words.
// Source: Amazon API Gateway developer guide, http-api-lambda-authorizer.
func TestHTTPAuthorizers(t *testing.T) {
	guarded := func(format string, simple bool) *api.Authorizer {
		return &api.Authorizer{Name: "a", Kind: api.Request, Function: "auth", PayloadFormat: format, Simple: simple,
			Identity: []api.Source{{In: api.Header, Name: "Authorization"}}}
	}
	const (
		unauthorized = `401 {"message":"Unauthorized"}`
		forbidden    = `403 {"message":"Forbidden"}`
		failed       = `500 {"message":"Internal Server Error"}`
	)
	token := []string{"Authorization: t"}
	tests := []struct {
		name       string
		authorizer *api.Authorizer
		answer     func(invocation.Request) (string, string, error)
		header     []string
		want       string // or what the function is told
	}{
		{"yes", guarded("2.0", true), says(`{"isAuthorized":true,"context":{"n":1.50,"list":["a"],"map":{"k":"v"}}}`), token, "map[lambda:map[list:[a] map:map[k:v] n:1.5]]"},
		{"yes, without a context", guarded("2.0", true), says(`{"isAuthorized":true}`), token, "map[lambda:map[]]"},
		{"no", guarded("2.0", true), says(`{"isAuthorized":false}`), token, forbidden},
		{"neither", guarded("2.0", true), says(`{}`), token, failed},
		{"in words", guarded("2.0", true), says(`{"isAuthorized":"true"}`), token, failed},
		{"a policy", guarded("2.0", false), says(allowAll), token, "map[lambda:map[admin:false level:3 nothing:<nil> tenantId:acme]]"},
		{"a policy in format 1.0", guarded("1.0", false), says(allowAll), token, "map[lambda:map[admin:false level:3 nothing:<nil> tenantId:acme]]"},
		{"a policy that allows nothing", guarded("2.0", false), says(`{"policyDocument":{"Statement":[]}}`), token, forbidden},
		{"no token", guarded("2.0", true), says(`{"isAuthorized":true}`), nil, unauthorized},
		{"the function says Unauthorized", guarded("2.0", true), func(invocation.Request) (string, string, error) {
			return `{"errorMessage":"Unauthorized"}`, "Unhandled", nil
		}, token, unauthorized},
		{"a fault", guarded("2.0", true), func(invocation.Request) (string, string, error) { return "", "", errors.New("secret") }, token, failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": tt.answer}}
			a := api.HTTP{LogicalID: "H", Stage: "$default", Routes: []api.HTTPRoute{{Method: "GET", Path: "/pets/{id}", Function: "f", Authorizer: tt.authorizer}}}
			w := send(t, newTestHTTP(a, fake), "GET", "/pets/7?x=1", "", tt.header...)
			got := fmt.Sprintf("%d %s", w.Code, w.Body)
			if w.Code == 200 {
				got = fmt.Sprint(fake.behind(t)["requestContext"].(map[string]any)["authorizer"])
			} else if len(fake.invoked["f"]) != 0 {
				t.Error("the function was reached")
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if asked := fake.invoked["auth"]; tt.name == "yes" || tt.name == "a policy in format 1.0" {
				compare(t, filepath.Join("testdata", "http", "authorizer-"+tt.authorizer.PayloadFormat+".json"), asked[0].Payload)
			}
		})
	}
}

// An authorizer that takes too long is one that failed.
func TestAuthorizerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(invocation.Request) (string, string, error) {
			time.Sleep(time.Hour)
			return allowAll, "", nil
		}
		fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": slow}}
		if w := send(t, newTestREST(guardedREST(tokenAuthorizer()), fake), "GET", "/test", "", "Authorization: t"); w.Code != 500 || len(fake.invoked["f"]) != 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// FuzzAuthorizerAnswer holds that an authorizer lets a request in only by an answer
// that says so.
func FuzzAuthorizerAnswer(f *testing.F) {
	f.Add([]byte(allowAll))
	f.Add([]byte(`{"principalId":1,"policyDocument":{"Statement":{"Effect":"Allow","Action":"*","Resource":["*"]}}}`))
	f.Add([]byte(`{"isAuthorized":true}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		fake := &fakeFunctions{answers: map[string]func(invocation.Request) (string, string, error){"auth": says(string(payload))}}
		w := send(t, newTestREST(guardedREST(tokenAuthorizer()), fake), "GET", "/test", "", "Authorization: t")
		if reached := len(fake.invoked["f"]) > 0; reached && !bytes.Contains(payload, []byte("llow")) && !bytes.Contains(payload, []byte(`\u`)) {
			t.Fatalf("%q let the request in: %d", payload, w.Code)
		}
		if w.Code == 200 && len(fake.invoked["f"]) == 0 {
			t.Fatalf("%q: 200 without the function", payload)
		}
	})
}
