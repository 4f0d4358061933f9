package lambdahttp

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func readEvent(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// seen is what a handler saw of a request.
type seen struct {
	*http.Request
	event *Event
	body  string
}

// see has an event served and returns what arrived at the handler.
func see(t *testing.T, basePath string, event []byte) seen {
	t.Helper()
	var got seen
	s := &server{basePath: basePath, handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		event, ok := FromContext(r.Context())
		if !ok {
			t.Error("no event in the request's context")
		}
		got = seen{r, event, string(body)}
	})}
	if _, err := s.buffered(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestOneRequestThroughEveryDoor(t *testing.T) {
	all, last := []string{"A-1", "B&7"}, []string{"B&7"}
	const api, urlHost, lb = "abcdef1234.execute-api.eu-central-1.amazonaws.com", "abcdef1234.lambda-url.eu-central-1.on.aws", "lb-1.eu-central-1.elb.amazonaws.com"
	for _, c := range []struct {
		file   string
		source Source
		stage  string
		host   string
		tags   []string // a door may join the values of a header, or keep the last
		skus   []string
	}{
		{"rest.json", RESTAPI, "Prod", api, []string{"one", "two"}, all},
		{"http-1.0.json", HTTPAPI, "live", api, []string{"one", "two"}, all},
		{"http-2.0.json", HTTPAPI, "live", api, []string{"one,two"}, all},
		{"url.json", FunctionURL, "", urlHost, []string{"one,two"}, all},
		{"alb.json", LoadBalancer, "", lb, []string{"two"}, last},
		{"alb-multi.json", LoadBalancer, "", lb, []string{"one", "two"}, all},
	} {
		t.Run(c.file, func(t *testing.T) {
			raw := readEvent(t, c.file)
			r := see(t, "", raw)
			if r.event.Source != c.source || r.event.Stage != c.stage {
				t.Errorf("came by %s, stage %q; want %s, stage %q", r.event.Source, r.event.Stage, c.source, c.stage)
			}
			if string(r.event.Raw) != string(raw) {
				t.Error("the event in the context is not the one that came")
			}
			for _, f := range []struct{ what, got, want string }{
				{"method", r.Method, "POST"},
				{"path", r.URL.Path, "/orders/a/b"},
				{"escaped path", r.URL.EscapedPath(), "/orders/a%2Fb"},
				{"request URI", r.RequestURI, "/orders/a%2Fb?" + r.URL.RawQuery},
				{"host", r.Host, c.host},
				{"Host header", r.Header.Get("Host"), ""},
				{"remote address", r.RemoteAddr, "192.0.2.7:0"},
				{"protocol", r.Proto, "HTTP/1.1"},
				{"body", r.body, "\x00\xff\n"},
				{"q", r.URL.Query().Get("q"), "x y"},
				{"content type", r.Header.Get("Content-Type"), "application/octet-stream"},
			} {
				if f.got != f.want {
					t.Errorf("%s is %q, want %q", f.what, f.got, f.want)
				}
			}
			if r.ContentLength != 3 {
				t.Errorf("content length is %d, want 3", r.ContentLength)
			}
			if got := r.Header.Values("X-Tag"); !slices.Equal(got, c.tags) {
				t.Errorf("X-Tag is %q, want %q", got, c.tags)
			}
			if got := r.URL.Query()["sku"]; !slices.Equal(got, c.skus) {
				t.Errorf("sku is %q, want %q", got, c.skus)
			}
			for name, want := range map[string]string{"a": "1", "b": "2"} {
				if cookie, err := r.Cookie(name); err != nil || cookie.Value != want {
					t.Errorf("cookie %s is %v, error %v", name, cookie, err)
				}
			}
		})
	}
}

// change sets a value deep in an event, at a path such as requestContext.stage.
func change(t *testing.T, event []byte, sets map[string]any) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(event, &doc); err != nil {
		t.Fatal(err)
	}
	for path, value := range sets {
		keys := strings.Split(path, ".")
		at := doc
		for _, k := range keys[:len(keys)-1] {
			at = at[k].(map[string]any)
		}
		at[keys[len(keys)-1]] = value
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		name, file string
		sets       map[string]any
		base       string
		want       string // the escaped path
	}{
		{"a REST API's stage is not in the path", "rest.json", map[string]any{"path": "/Prod/x"}, "", "/Prod/x"},
		{"an HTTP API's stage is cut off", "http-2.0.json", map[string]any{"rawPath": "/live/x"}, "", "/x"},
		{"nothing may be left", "http-2.0.json", map[string]any{"rawPath": "/live"}, "", "/"},
		{"only a whole segment is a stage", "http-2.0.json", map[string]any{"rawPath": "/lively/x"}, "", "/lively/x"},
		{"under a custom domain name the stage is not in the path", "http-2.0.json", map[string]any{"rawPath": "/live/x", "requestContext.domainPrefix": "api"}, "", "/live/x"},
		{"a mapping key is the base path", "http-2.0.json", map[string]any{"rawPath": "/v1/x", "requestContext.domainPrefix": "api"}, "v1", "/x"},
		{"a base path may have slashes around it and in it", "rest.json", map[string]any{"path": "/shop/v1/x/"}, "/shop/v1/", "/x/"},
		{"a path without the base path stays", "rest.json", map[string]any{"path": "/x"}, "v1", "/x"},
		{"a path that is the base path is the root", "alb.json", map[string]any{"path": "/v1"}, "v1", "/"},
		{"inner slashes are kept", "rest.json", map[string]any{"path": "/a//b/"}, "", "/a//b/"},
		{"an empty path is the root", "url.json", map[string]any{"rawPath": ""}, "", "/"},
		{"escapes that differ from Go's are kept", "url.json", map[string]any{"rawPath": "/%61%2fb"}, "", "/%61%2fb"},
		{"broken escapes were none", "rest.json", map[string]any{"path": "/100%"}, "", "/100%25"},
		{"characters that need escapes were unescaped", "rest.json", map[string]any{"path": "/a b"}, "", "/a%20b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := see(t, c.base, change(t, readEvent(t, c.file), c.sets))
			if got := r.URL.EscapedPath(); got != c.want {
				t.Errorf("path %q, want %q", got, c.want)
			}
			if u, err := url.ParseRequestURI(r.RequestURI); err != nil || u.Path != r.URL.Path || u.RawPath != r.URL.RawPath {
				t.Errorf("URL %+v is not what its request URI %q says: %+v, error %v", r.URL, r.RequestURI, u, err)
			}
		})
	}
}

func TestSmallThingsOfARequest(t *testing.T) {
	query := func(r seen) string { return r.URL.RawQuery }
	remote := func(r seen) string { return r.RemoteAddr }
	host := func(r seen) string { return r.Host }
	header := func(name string) func(seen) string {
		return func(r seen) string { return strings.Join(r.Header.Values(name), "|") }
	}
	null := any(nil)
	for _, c := range []struct {
		name, file string
		sets       map[string]any
		of         func(seen) string
		want       string
	}{
		{"no query at all", "rest.json", map[string]any{"queryStringParameters": null, "multiValueQueryStringParameters": null}, query, ""},
		{"a query of single values only", "rest.json", map[string]any{"multiValueQueryStringParameters": null}, query, "q=x+y&sku=B%267"},
		{"an ALB's query is escaped as the client has it", "alb.json", map[string]any{"queryStringParameters": map[string]any{"a%20b": "c%2Bd+e"}}, query, "a%20b=c%2Bd+e"},
		{"headers of single values only", "rest.json", map[string]any{"multiValueHeaders": null}, header("X-Tag"), "two"},
		{"a header that only the single values have", "rest.json", map[string]any{"multiValueHeaders": map[string]any{"x-tag": []string{"a", "b"}}}, header("X-Forwarded-Proto"), "https"},
		{"and one that both have", "rest.json", map[string]any{"multiValueHeaders": map[string]any{"x-tag": []string{"a", "b"}}}, header("X-Tag"), "a|b"},
		{"without a Host header the domain name is the host", "http-2.0.json", map[string]any{"headers": null}, host, "abcdef1234.execute-api.eu-central-1.amazonaws.com"},
		{"an IPv6 client", "url.json", map[string]any{"requestContext.http.sourceIp": "2001:db8::7"}, remote, "[2001:db8::7]:0"},
		{"a client behind an ALB that tells the port", "alb.json", map[string]any{"headers": map[string]any{"x-forwarded-for": "[2001:db8::7]:1234"}}, remote, "[2001:db8::7]:1234"},
		{"a client that is not told", "alb.json", map[string]any{"headers": map[string]any{"host": "x"}}, remote, ""},
		{"cookies in one header", "http-2.0.json", nil, header("Cookie"), "a=1; b=2"},
		{"a body as text", "rest.json", map[string]any{"body": "héllo", "isBase64Encoded": false}, func(r seen) string { return r.body }, "héllo"},
		{"no body", "rest.json", map[string]any{"body": null, "isBase64Encoded": false}, func(r seen) string { return r.body }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.of(see(t, "", change(t, readEvent(t, c.file), c.sets))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheEventCanBeDecodedInTheHandler(t *testing.T) {
	r := see(t, "", readEvent(t, "rest.json"))
	var e struct {
		RequestContext struct {
			ResourcePath string `json:"resourcePath"`
		} `json:"requestContext"`
	}
	if err := r.event.Decode(&e); err != nil || e.RequestContext.ResourcePath != "/{proxy+}" {
		t.Errorf("decoded %+v, error %v", e, err)
	}
	if _, ok := FromContext(t.Context()); ok {
		t.Error("an event outside of a request")
	}
}

func TestWhatIsNoHTTPEventIsAnError(t *testing.T) {
	s := &server{handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was served") })}
	for name, event := range map[string][]byte{
		"nothing":                    nil,
		"no JSON":                    []byte(`{"httpMethod":`),
		"no object":                  []byte(`[1]`),
		"an event of SQS":            []byte(`{"Records":[{"body":"x","eventSource":"aws:sqs"}]}`),
		"a context of something":     []byte(`{"requestContext":{"connectionId":"x","eventType":"CONNECT"}}`),
		"a method that is none":      change(t, readEvent(t, "rest.json"), map[string]any{"httpMethod": "GE T"}),
		"a name that is none":        change(t, readEvent(t, "url.json"), map[string]any{"headers": map[string]any{"a b": "x"}}),
		"a value with a line break":  change(t, readEvent(t, "url.json"), map[string]any{"headers": map[string]any{"a": "x\r\nb: y"}}),
		"a cookie with a line break": change(t, readEvent(t, "url.json"), map[string]any{"cookies": []string{"a=1\nb: y"}}),
		"a body that is not base64":  change(t, readEvent(t, "rest.json"), map[string]any{"body": "%%%"}),
	} {
		t.Run(name, func(t *testing.T) {
			out, err := s.buffered(t.Context(), event)
			if e := (*EventError)(nil); !errors.As(err, &e) {
				t.Errorf("answered %q, error %v; want an *EventError", out, err)
			}
		})
	}
}

func FuzzEvent(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no events: ", err)
	}
	for _, file := range files {
		f.Add(readEvent(f, filepath.Base(file)))
	}
	f.Add([]byte(`{"httpMethod":"GET","path":"//x/..%2f?","requestContext":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got *http.Request
		s := &server{basePath: "v1", handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r
			io.Copy(w, r.Body)
		})}
		out, err := s.buffered(t.Context(), raw)
		if e := (*EventError)(nil); err != nil {
			if !errors.As(err, &e) || got != nil {
				t.Fatalf("error %v, served: %t; want an *EventError, and no request", err, got != nil)
			}
			return
		}
		if !json.Valid(out) {
			t.Fatalf("the answer is not JSON: %q", out)
		}
		if !strings.HasPrefix(got.URL.Path, "/") || got.Method == "" {
			t.Fatalf("request %s %q", got.Method, got.URL.Path)
		}
		// What a server writes to a connection, a server must be able to read.
		if u, err := url.ParseRequestURI(got.RequestURI); err != nil && !strings.ContainsAny(got.URL.RawQuery, "\x7f \t\r\n") {
			t.Fatalf("request URI %q: %v", got.RequestURI, err)
		} else if err == nil && u.Host == "" && u.Path != got.URL.Path {
			t.Fatalf("request URI %q has path %q, the request %q", got.RequestURI, u.Path, got.URL.Path)
		}
	})
}
