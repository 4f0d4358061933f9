package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/function"
)

func newTestHTTP(a api.HTTP, invoker Invoker) *httpDoor {
	d := NewHTTP(a, invoker, Config{}).(*httpDoor)
	d.source = fixedSource()
	return d
}

// defaultHTTP has one route for everything.
func defaultHTTP(format string) api.HTTP {
	return api.HTTP{LogicalID: "HttpApi", Stage: "$default", Routes: []api.HTTPRoute{
		{Path: "$default", Function: "plain", PayloadFormat: format},
	}}
}

// Which route serves a request.
// Source: Amazon API Gateway developer guide, http-api-develop-routes.
func TestHTTPRoutes(t *testing.T) {
	full := api.HTTP{LogicalID: "A", Stage: "$default"}
	for key := range strings.FieldsSeq("GET:/pets/dog/1 GET:/pets/dog/{id} GET:/pets/{proxy+} ANY:/{proxy+} POST:/pets ANY:/pets GET:/toys/{proxy+} ANY:/toys/{id} $default") {
		method, path, ok := strings.Cut(key, ":")
		if !ok {
			method, path = "", key
		}
		full.Routes = append(full.Routes, api.HTTPRoute{Method: method, Path: path, Function: "f"})
	}
	few := api.HTTP{LogicalID: "B", Stage: "v1", Routes: []api.HTTPRoute{{Method: "GET", Path: "/", Function: "f"}, {Method: "GET", Path: "/a", Function: "f"}}}
	tests := []struct {
		name, method, path string
		api                api.HTTP
		want               string // the route key and the path's parameters; "404"
	}{
		{"a full match", "GET", "/pets/dog/1", full, "GET /pets/dog/1 map[]"},
		{"a variable", "GET", "/pets/dog/2", full, "GET /pets/dog/{id} map[id:2]"},
		{"a greedy variable", "GET", "/pets/cat/1", full, "GET /pets/{proxy+} map[proxy:cat/1]"},
		{"the method decides", "POST", "/test/5", full, "ANY /{proxy+} map[proxy:test/5]"},
		{"a method before ANY", "POST", "/pets", full, "POST /pets map[]"},
		{"ANY", "GET", "/pets", full, "ANY /pets map[]"},
		{"a path whose methods don't fit is passed over", "POST", "/pets/dog/1", full, "ANY /{proxy+} map[proxy:pets/dog/1]"},
		{"a full match with ANY before a greedy one with the method", "GET", "/toys/1", full, "ANY /toys/{id} map[id:1]"},
		{"the rest", "GET", "/", full, "$default map[]"},
		{"a stage", "GET", "/v1/a", few, "GET /a map[]"},
		{"a stage's root", "GET", "/v1", few, "GET / map[]"},
		{"no stage", "GET", "/a", few, "404"},
		{"another stage", "GET", "/v11/a", few, "404"},
		{"no route", "GET", "/v1/b", few, "404"},
		{"no method", "DELETE", "/v1/a", few, "404"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeInvoker{}
			w := send(t, newTestHTTP(tt.api, fake), tt.method, tt.path, "")
			if tt.want == "404" {
				if w.Code != 404 || w.Body.String() != `{"message":"Not Found"}` || len(fake.invoked) != 0 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				return
			}
			var event eventV2
			if err := json.Unmarshal(fake.only(t).Payload, &event); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(event.RouteKey, " ", event.PathParameters); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// How an HTTP API shows a path.
// Source: events that AWS sent in July 2026 (hotsock/voker, ingress-paths.json).
func TestHTTPPaths(t *testing.T) {
	for sent, want := range map[string]string{
		"/capture/plain":                    "/capture/plain",
		"/capture/space%20value":            "/capture/space value",
		"/capture/question%3Fvalue":         "/capture/question",
		"/capture/percent%25done":           "400",
		"/capture/hash%23value":             "/capture/hash#value",
		"/capture/slash%2Fvalue":            "/capture/slash/value",
		"/capture/unicode-%CE%BB-%E4%B8%96": "/capture/unicode-λ-世",
		"/capture/literal%252Fvalue":        "/capture/literal/value",
		"/capture/literal%253Fvalue":        "/capture/literal?value",
		"/capture/literal%2525value":        "/capture/literal%value",
		"/capture/three%25252Fvalue":        "/capture/three%2Fvalue",
	} {
		fake := &fakeInvoker{}
		w := send(t, newTestHTTP(defaultHTTP("2.0"), fake), "GET", sent, "")
		got := fmt.Sprint(w.Code)
		if w.Code == 200 {
			var event eventV2
			if err := json.Unmarshal(fake.only(t).Payload, &event); err != nil {
				t.Fatal(err)
			}
			if got = event.RawPath; got != event.RequestContext.HTTP.Path {
				t.Errorf("%s: rawPath %q and path %q", sent, got, event.RequestContext.HTTP.Path)
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", sent, got, want)
		}
	}
}

// Events in both formats. Their shapes are those of an event that AWS sent in July
// 2026 (hotsock/voker, apigwv2-request.json) and of a published one in format 1.0
// (gist.github.com/metaskills).
func TestHTTPEvents(t *testing.T) {
	query := "/capture/space%20value?repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty="
	header := []string{"Content-Type: application/json", "Cookie: session=abc123; theme=dark", "X-Voker-Probe: first", "X-Voker-Probe: second",
		"User-Agent: curl/8.7.1", "X-Amz-Tenant-Id: mallory"}
	staged := defaultHTTP("2.0")
	staged.Stage, staged.Variables = "v1", map[string]string{"color": "blue"}
	staged.Routes = []api.HTTPRoute{{Method: "GET", Path: "/pets/{id}", Function: "plain"}}
	tests := []struct {
		file         string
		api          api.HTTP
		method, path string
		body         string
		header       []string
	}{
		{"v2", defaultHTTP("2.0"), "POST", query, `{"message":"hello","unicode":"lambda-λ"}`, header},
		{"v1", defaultHTTP("1.0"), "POST", query, `{"message":"hello","unicode":"lambda-λ"}`, header},
		{"v2-bare", defaultHTTP(""), "GET", "/", "", nil},
		{"v2-stage", staged, "GET", "/v1/pets/7", "", nil},
		{"v2-form", defaultHTTP(""), "POST", "/", "a=b&c=d", []string{"Content-Type: application/x-www-form-urlencoded"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			fake := &fakeInvoker{}
			w := send(t, newTestHTTP(tt.api, fake), tt.method, tt.path, tt.body, tt.header...)
			if w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			compare(t, filepath.Join("testdata", "http", tt.file+".json"), fake.only(t).Payload)
			if fake.only(t).Tenant != "" {
				t.Errorf("tenant %q", fake.only(t).Tenant)
			}
		})
	}
}

// Format 2.0 answers, and what is inferred.
// Source: Amazon API Gateway developer guide, http-api-develop-integrations-lambda.
func TestHTTPAnswers(t *testing.T) {
	const failed = `500 application/json {"message":"Internal Server Error"}`
	tests := []struct{ name, payload, want string }{
		{"a string", `"hello"`, "200 application/json hello"},
		{"a number", `3`, "200 application/json 3"},
		{"true", `true`, "200 application/json true"},
		{"a list", ` ["hello", 3] `, `200 application/json ["hello", 3]`},
		{"null", `null`, "200 application/json null"},
		{"an object without a status", `{"message":"hi"}`, `200 application/json {"message":"hi"}`},
		{"an object with a status in capitals", `{"StatusCode":201}`, `200 application/json {"StatusCode":201}`},
		{"all of it", `{"statusCode":201,"headers":{"Content-Type":"text/html"},"body":"<a>","isBase64Encoded":false}`, "201 text/html <a>"},
		{"base64", `{"statusCode":200,"headers":{"content-type":"image/png"},"body":"aGk=","isBase64Encoded":true}`, "200 image/png hi"},
		{"a status as text", `{"statusCode":"404"}`, "404 text/plain;charset=UTF-8 "},
		{"unknown keys are ignored", `{"statusCode":200,"body":"x","extra":1,"multiValueHeaders":{"a":["b"]}}`, "200 text/plain;charset=UTF-8 x"},
		{"nulls", `{"statusCode":200,"headers":null,"body":null,"isBase64Encoded":null,"cookies":null}`, "200 text/plain;charset=UTF-8 "},
		{"a status in words", `{"statusCode":"ok"}`, failed},
		{"a body that is an object", `{"statusCode":200,"body":{}}`, failed},
		{"cookies that are no list", `{"statusCode":200,"cookies":"a=1"}`, failed},
		{"base64 that is none", `{"statusCode":200,"body":"!","isBase64Encoded":true}`, failed},
		{"no JSON", `oops`, failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := send(t, newTestHTTP(defaultHTTP(""), &fakeInvoker{payload: tt.payload}), "GET", "/", "")
			if got := fmt.Sprintf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if raw(w, "apigw-requestid")[0] != "JKJaXmPLvHcESHA=" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

func TestHTTPCookies(t *testing.T) {
	w := send(t, newTestHTTP(defaultHTTP(""), &fakeInvoker{payload: `{"statusCode":200,"cookies":["a=1; Secure","b=2"]}`}), "GET", "/", "")
	if got := raw(w, "set-cookie"); !slices.Equal(got, []string{"a=1; Secure", "b=2"}) {
		t.Errorf("set-cookie %q", got)
	}
}

// Format 1.0 answers follow the REST API's rules, but base64 is always decoded.
func TestHTTPAnswersV1(t *testing.T) {
	for payload, want := range map[string]string{
		`{"statusCode":200,"body":"aGk=","isBase64Encoded":true,"multiValueHeaders":{"a":["1","2"]}}`: "200 hi [1 2]",
		`"hello"`: `500 {"message":"Internal Server Error"} []`,
	} {
		w := send(t, newTestHTTP(defaultHTTP("1.0"), &fakeInvoker{payload: payload}), "GET", "/", "")
		if got := fmt.Sprintf("%d %s %v", w.Code, w.Body, raw(w, "a")); got != want {
			t.Errorf("%s: %s, want %s", payload, got, want)
		}
	}
}

func TestHTTPRefusals(t *testing.T) {
	tests := []struct {
		name string
		fake *fakeInvoker
		body string
		want string
	}{
		{"a function error", &fakeInvoker{failure: "Unhandled"}, "", `500 {"message":"Internal Server Error"}`},
		{"a fault of Berth's", &fakeInvoker{err: errors.New("secret")}, "", `500 {"message":"Internal Server Error"}`},
		{"an isolated function", &fakeInvoker{err: &function.Refusal{Type: function.InvalidParameterValue, Message: "tenancy"}}, "", `500 {"message":"Internal Server Error"}`},
		{"a body too large", &fakeInvoker{}, strings.Repeat("b", 10<<20+1), `413 {"message":"Request Entity Too Large"}`},
	}
	for _, tt := range tests {
		w := send(t, newTestHTTP(defaultHTTP(""), tt.fake), "POST", "/", tt.body)
		if got := fmt.Sprintf("%d %s", w.Code, w.Body); got != tt.want || raw(w, "x-amzn-ErrorType") != nil {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestHTTPTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		w := send(t, newTestHTTP(defaultHTTP(""), &fakeInvoker{duration: time.Hour}), "GET", "/", "")
		if w.Code != 503 || w.Body.String() != `{"message":"Service Unavailable"}` || time.Since(begin) != 30*time.Second {
			t.Errorf("%d %s after %v", w.Code, w.Body, time.Since(begin))
		}
	})
}

// CORS, where the gateway is in charge of it.
// Source: Amazon API Gateway developer guide, http-api-cors.
func TestCORS(t *testing.T) {
	some := &api.CORS{AllowOrigins: []string{"https://a.example", "http://*"}, AllowMethods: []string{"GET", "PUT"},
		AllowHeaders: []string{"authorization", "x-a"}, ExposeHeaders: []string{"x-b", "x-c"}, AllowCredentials: true, MaxAge: time.Hour}
	all := &api.CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}}
	const preflight = "Access-Control-Request-Method: "
	tests := []struct {
		name   string
		cors   *api.CORS
		method string
		header []string
		status int
		want   string // the headers that CORS is made of
	}{
		{"a preflight", some, "OPTIONS", []string{"Origin: https://a.example", preflight + "PUT"}, 204,
			"allow-credentials=true allow-headers=authorization,x-a allow-methods=GET,PUT allow-origin=https://a.example max-age=3600"},
		{"any host of a scheme", some, "OPTIONS", []string{"Origin: http://b.example", preflight + "GET"}, 204,
			"allow-credentials=true allow-headers=authorization,x-a allow-methods=GET,PUT allow-origin=http://b.example max-age=3600"},
		{"a preflight from elsewhere", some, "OPTIONS", []string{"Origin: https://b.example", preflight + "PUT"}, 204, ""},
		{"a preflight for another method", some, "OPTIONS", []string{"Origin: https://a.example", preflight + "DELETE"}, 204, ""},
		{"a preflight where all is allowed", all, "OPTIONS", []string{"Origin: https://b.example", preflight + "DELETE"}, 204, "allow-methods=* allow-origin=*"},
		{"a request", some, "GET", []string{"Origin: https://a.example"}, 200, "allow-credentials=true allow-origin=https://a.example expose-headers=x-b,x-c"},
		{"a request from elsewhere", some, "GET", []string{"Origin: https://b.example"}, 200, ""},
		{"no browser", some, "GET", nil, 200, ""},
		{"OPTIONS that is no preflight", all, "OPTIONS", []string{"Origin: https://b.example"}, 200, "allow-origin=*"},
		{"without CORS the function is in charge", nil, "GET", []string{"Origin: https://b.example"}, 200, "allow-origin=function"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			payload := `{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"function"}}`
			a := defaultHTTP("")
			a.CORS = tt.cors
			doors := map[string]http.Handler{
				"HTTP API":     newTestHTTP(a, &fakeInvoker{payload: payload}),
				"function URL": NewFunctionURL(api.FunctionURL{Function: "f", CORS: tt.cors}, &fakeInvoker{payload: payload}, Config{}),
			}
			for name, door := range doors {
				w := send(t, door, tt.method, "/", "", tt.header...)
				if w.Code != tt.status && (name != "function URL" || tt.status != 204 || w.Code != 200) {
					t.Errorf("%s: status %d", name, w.Code)
				}
				if got := corsHeaders(w); got != tt.want {
					t.Errorf("%s: %s, want %s", name, got, tt.want)
				}
			}
		})
	}
}

func corsHeaders(w *httptest.ResponseRecorder) string {
	var lines []string
	for name, all := range w.Header() {
		if short, ok := strings.CutPrefix(strings.ToLower(name), "access-control-"); ok {
			lines = append(lines, short+"="+strings.Join(all, "|"))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

// FuzzHTTP holds that an HTTP API never names a tenant, whatever the client sends,
// and that its event is JSON in both formats.
func FuzzHTTP(f *testing.F) {
	f.Add("GET", "/a%2fb?x=1", "X-Amz-Tenant-Id", "mallory", "", false)
	f.Add("POST", "/%25?%zz;;", "cookie", "a; b=;;", "\xff", true)
	f.Fuzz(func(t *testing.T, method, target, name, value, body string, old bool) {
		r := httptest.NewRequest("GET", "/", strings.NewReader(body))
		u, err := r.URL.Parse(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		r.Method, r.URL = method, u
		r.Header.Add(name, value)
		const mark = "client-said-so"
		r.Header.Add(tenantHeader, mark)
		format := "2.0"
		if old {
			format = "1.0"
		}
		fake := &fakeInvoker{}
		newTestHTTP(defaultHTTP(format), fake).ServeHTTP(httptest.NewRecorder(), r)
		for _, got := range fake.invoked {
			if got.Tenant != "" || !json.Valid(got.Payload) || strings.Contains(string(got.Payload), mark) {
				t.Fatalf("tenant %q, event %s", got.Tenant, got.Payload)
			}
		}
	})
}
