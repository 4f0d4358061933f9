package platform

import (
	"testing"

	"github.com/berthdev/berth/internal/api"
)

// Whatever a template serves can be tried by pasting a line.
func TestRoutesComeWithARequestToTry(t *testing.T) {
	tenant := func(in api.Location, name string) api.Route {
		return api.Route{
			Resource: "/", Method: "ANY", Parameters: []api.Parameter{{In: in, Name: name, Required: true}},
			Mappings: []api.Mapping{{To: api.Header, Name: "X-Amz-Tenant-Id", From: api.Source{In: in, Name: name}}},
		}
	}
	path := tenant(api.Path, "tenant")
	path.Resource = "/t/{tenant}/orders/{id}"
	post := api.Route{Resource: "/{proxy+}", Method: "POST", Parameters: []api.Parameter{{In: api.QueryString, Name: "optional"}}}
	rest := restRoutes(&api.REST{Stage: "Prod", Routes: []api.Route{
		tenant(api.QueryString, "tenant-id"), tenant(api.Header, "X-Tenant"), path, post,
	}})
	http := httpRoutes(&api.HTTP{Stage: "$default", Routes: []api.HTTPRoute{{Path: "$default"}, {Method: "PUT", Path: "/pets/{id}"}}})
	staged := httpRoutes(&api.HTTP{Stage: "v1", Routes: []api.HTTPRoute{{Method: "GET", Path: "/pets"}}})
	for _, tt := range []struct {
		name                     string
		route                    Route
		method, path, url, first string // first header
	}{
		{"a tenant in the query", rest[0], "GET", "/Prod", "/Prod?tenant-id=alice", ""},
		{"a tenant in a header", rest[1], "GET", "/Prod", "/Prod", "X-Tenant: alice"},
		{"a tenant in the path", rest[2], "GET", "/Prod/t/{tenant}/orders/{id}", "/Prod/t/alice/orders/id", ""},
		{"a greedy path; what is optional is left out", rest[3], "POST", "/Prod/{proxy+}", "/Prod/proxy", ""},
		{"the default route", http[0], "GET", "/{any+}", "/any", ""},
		{"a route of an HTTP API", http[1], "PUT", "/pets/{id}", "/pets/id", ""},
		{"a stage of an HTTP API", staged[0], "GET", "/v1/pets", "/v1/pets", ""},
		{"a function URL", urlRoutes(&api.FunctionURL{})[0], "GET", "/", "/", ""},
	} {
		first := ""
		if len(tt.route.Headers) > 0 {
			first = tt.route.Headers[0]
		}
		if r := tt.route; r.ExampleMethod != tt.method || r.Path != tt.path || r.ExampleURL != tt.url || first != tt.first {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}
