package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// Which resource and method serve a request.
// Source: Amazon API Gateway developer guide, api-gateway-method-settings-method-request;
// the answer to an unknown method is recorded (test_routing_not_found in
// LocalStack's snapshots).
func TestMatch(t *testing.T) {
	var api routes[string]
	for _, r := range []struct{ method, path string }{
		{"ANY", "/"},
		{"GET", "/orders"}, {"POST", "/orders"},
		{"GET", "/orders/{id}"}, {"ANY", "/orders/{id}"},
		{"GET", "/orders/latest"},
		{"GET", "/orders/{id}/lines/{line}"},
		{"ANY", "/orders/latest/{rest+}"},
		{"ANY", "/files/{path+}"},
		{"GET", "/files/index.html"},
		{"ANY", "/{proxy+}"},
		{"GET", "/caf%C3%A9"},
	} {
		api.add(r.path, r.method, r.method+" "+r.path)
	}
	tests := []struct {
		name, method, path string
		want               string // the route, "403" if there is none
		params             string
	}{
		{"the root", "GET", "/", "ANY /", "map[]"},
		{"a literal", "GET", "/orders", "GET /orders", "map[]"},
		{"a slash at the end", "GET", "/orders/", "GET /orders", "map[]"},
		{"a method before ANY", "GET", "/orders/7", "GET /orders/{id}", "map[id:7]"},
		{"ANY for the others", "PATCH", "/orders/7", "ANY /orders/{id}", "map[id:7]"},
		{"a literal before a variable", "GET", "/orders/latest", "GET /orders/latest", "map[]"},
		{"the resource is chosen before the method", "POST", "/orders/latest", "403", ""},
		{"a method that the resource lacks", "DELETE", "/orders", "403", ""},
		{"two variables", "GET", "/orders/7/lines/2", "GET /orders/{id}/lines/{line}", "map[id:7 line:2]"},
		{"a greedy one under a literal before variables", "GET", "/orders/latest/lines/2", "ANY /orders/latest/{rest+}", "map[rest:lines/2]"},
		{"greedy", "GET", "/files/a/b/c.txt", "ANY /files/{path+}", "map[path:a/b/c.txt]"},
		{"greedy, with a slash at the end", "GET", "/files/a/", "ANY /files/{path+}", "map[path:a]"},
		{"a literal before a greedy one", "GET", "/files/index.html", "GET /files/index.html", "map[]"},
		{"greedy needs something", "GET", "/files/", "ANY /{proxy+}", "map[proxy:files]"},
		{"the rest", "GET", "/somewhere/else", "ANY /{proxy+}", "map[proxy:somewhere/else]"},
		{"inner slashes are kept", "GET", "/a//b", "ANY /{proxy+}", "map[proxy:a//b]"},
		{"variables are not decoded", "GET", "/orders/7%2F8", "GET /orders/{id}", "map[id:7%2F8]"},
		{"literals are compared decoded", "GET", "/%6Frders", "GET /orders", "map[]"},
		{"an encoded slash separates nothing", "GET", "/orders%2Flatest", "ANY /{proxy+}", "map[proxy:orders%2Flatest]"},
		{"decoded once", "GET", "/%256Frders", "ANY /{proxy+}", "map[proxy:%256Frders]"},
		{"case matters", "GET", "/Orders", "ANY /{proxy+}", "map[proxy:Orders]"},
		{"dots are segments like others", "GET", "/orders/../files", "ANY /{proxy+}", "map[proxy:orders/../files]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, params := "403", ""
			if found, values, ok := api.match(tt.path); ok {
				if target, ok := found.method(tt.method); ok {
					got, params = target, fmt.Sprint(values)
				}
			}
			if got != tt.want || params != tt.params {
				t.Errorf("%s %s: %s %s, want %s %s", tt.method, tt.path, got, params, tt.want, tt.params)
			}
		})
	}
}

func TestCutStage(t *testing.T) {
	tests := []struct {
		path, want string
		ok         bool
	}{
		{"/Prod", "/", true},
		{"/Prod/", "/", true},
		{"/Prod/a/b", "/a/b", true},
		{"/Prod//a", "/a", true},
		{"/Prod///a", "//a", true},
		{"/Prod//", "/", true},
		{"/", "", false},
		{"/prod", "", false},
		{"/Production", "", false},
		{"//Prod", "", false},
	}
	for _, tt := range tests {
		if got, ok := cutStage(tt.path, "Prod"); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %q %v, want %q %v", tt.path, got, ok, tt.want, tt.ok)
		}
	}
}

// FuzzMatch holds that a match is one: the template with its variables filled in
// is the path again, and no resource that was passed over is more specific.
func FuzzMatch(f *testing.F) {
	f.Add("/a/{b}/c,/a/{p+},/{x},/", "/a/1/c")
	f.Add("/{p+}", "//")
	f.Add("/a", "/a/")
	f.Fuzz(func(t *testing.T, templates, path string) {
		if !strings.HasPrefix(path, "/") {
			return
		}
		var api routes[string]
		for template := range strings.SplitSeq(templates, ",") {
			if strings.Count(template, "+}") > 1 || strings.Contains(template, "+}/") {
				return // a greedy variable stands at the end
			}
			api.add(template, "ANY", template)
		}
		found, params, ok := api.match(path)
		if !ok {
			return
		}
		parts := splitPath(path)
		for i, s := range found.segments {
			switch {
			case s.kind == literal && !sameDecoded(parts[i], s.text),
				s.kind == variable && (params[s.text] == "" || strings.Contains(params[s.text], "/")):
				t.Fatalf("%s matched %s with %v", path, found.path, params)
			}
		}
		for _, other := range api {
			if other != found && other.fits(parts, sameDecoded) && moreSpecific(other.segments, found.segments) {
				t.Fatalf("%s matched %s, not %s", path, found.path, other.path)
			}
		}
	})
}
