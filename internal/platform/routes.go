package platform

import (
	"net/url"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// Route is a way into a function, with a request to try it with.
type Route struct {
	API      string `json:"api"`
	Method   string `json:"method"`
	Path     string `json:"path"` // with the stage, as in the template: "/Prod/{proxy+}"
	Function string `json:"function"`

	ExampleMethod string   `json:"exampleMethod"`
	ExampleURL    string   `json:"exampleUrl"`
	Headers       []string `json:"exampleHeaders,omitempty"` // "Name: value"
}

// restRoutes describes a REST API. Each parameter that a route requires gets a
// value, and a tenant ID gets a name.
func restRoutes(a *api.REST) []Route {
	var routes []Route
	for _, r := range a.Routes {
		out := Route{
			API: a.LogicalID, Method: r.Method, Function: r.Function,
			Path:          "/" + a.Stage + strings.TrimSuffix(r.Resource, "/"),
			ExampleMethod: exampleMethod(r.Method),
		}
		query := url.Values{}
		for _, p := range r.Parameters {
			switch {
			case !p.Required:
			case p.In == api.QueryString || p.In == api.MultiQueryString:
				query.Set(p.Name, sample(r, p.In, p.Name))
			case p.In == api.Header || p.In == api.MultiHeader:
				out.Headers = append(out.Headers, p.Name+": "+sample(r, p.In, p.Name))
			}
		}
		out.ExampleURL = examplePath(out.Path, func(name string) string { return sample(r, api.Path, name) })
		if len(query) > 0 {
			out.ExampleURL += "?" + query.Encode()
		}
		routes = append(routes, out)
	}
	return routes
}

// sample is a value for one parameter of a made-up request.
func sample(r api.Route, in api.Location, name string) string {
	if slices.ContainsFunc(r.Mappings, func(m api.Mapping) bool {
		return strings.EqualFold(m.Name, "X-Amz-Tenant-Id") && m.From.Name == name && m.From.In == in
	}) {
		return "alice"
	}
	return name
}

// httpRoutes describes an HTTP API.
func httpRoutes(a *api.HTTP) []Route {
	stage := ""
	if a.Stage != "$default" {
		stage = "/" + a.Stage
	}
	var routes []Route
	for _, r := range a.Routes {
		out := Route{
			API: a.LogicalID, Method: r.Method, Path: stage + r.Path, Function: r.Function,
			ExampleMethod: exampleMethod(r.Method),
		}
		if r.Path == "$default" {
			out.Method, out.Path = "ANY", stage+"/{any+}"
		}
		out.ExampleURL = examplePath(out.Path, func(name string) string { return name })
		routes = append(routes, out)
	}
	return routes
}

// urlRoutes describes a function URL, which takes every path.
func urlRoutes(u *api.FunctionURL) []Route {
	return []Route{{API: "function URL", Method: "ANY", Path: "/", Function: u.Function, ExampleMethod: "GET", ExampleURL: "/"}}
}

func exampleMethod(method string) string {
	if method == "ANY" || method == "" {
		return "GET"
	}
	return method
}

// examplePath puts values in place of a path's variables.
func examplePath(path string, value func(name string) string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if name, ok := strings.CutPrefix(s, "{"); ok {
			segments[i] = url.PathEscape(value(strings.TrimRight(name, "+}")))
		}
	}
	return strings.Join(segments, "/")
}
