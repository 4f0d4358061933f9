package platform

import (
	"net/url"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// Summary is what a platform serves, and behind which walls.
type Summary struct {
	Service   string   `json:"service"` // base URL of Lambda's API
	Functions []string `json:"functions"`
	Routes    []Route  `json:"routes"`

	Isolation string   `json:"isolation"`
	Promise   string   `json:"promise"`
	NotWalled []string `json:"notWalled"`          // what the isolation does not stop here
	Stronger  []string `json:"stronger,omitempty"` // isolations that can't be had here, and why
	Network   string   `json:"network"`
}

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

// Summary says what the platform serves.
func (p *Platform) Summary() Summary {
	s := Summary{
		Isolation: p.isolation.Name, Promise: p.isolation.Promise, NotWalled: p.isolation.NotWalled,
		Network: string(p.cfg.Network),
	}
	for _, missed := range p.isolation.Missed {
		s.Stronger = append(s.Stronger, missed.Isolation+": "+missed.Reason)
	}
	for _, v := range p.functions.All() {
		s.Functions = append(s.Functions, v.Name)
	}
	for _, d := range p.doors {
		base := "http://" + d.listener.Addr().String()
		if d.api < 0 {
			s.Service = base
			continue
		}
		rest := p.template.REST[d.api]
		for _, r := range rest.Routes {
			s.Routes = append(s.Routes, describe(base, rest, r))
		}
	}
	return s
}

// describe makes up a request that the route takes: each required parameter gets
// a value, and a tenant ID gets a name.
func describe(base string, rest *api.REST, r api.Route) Route {
	out := Route{API: rest.LogicalID, Method: r.Method, Path: "/" + rest.Stage + strings.TrimSuffix(r.Resource, "/"), Function: r.Function}
	out.ExampleMethod = r.Method
	if r.Method == "ANY" {
		out.ExampleMethod = "GET"
	}
	query := url.Values{}
	for _, p := range r.Parameters {
		if !p.Required {
			continue
		}
		switch p.In {
		case api.QueryString, api.MultiQueryString:
			query.Set(p.Name, sample(r, p))
		case api.Header, api.MultiHeader:
			out.Headers = append(out.Headers, p.Name+": "+sample(r, p))
		}
	}
	segments := strings.Split(out.Path, "/")
	for i, s := range segments {
		if name, ok := strings.CutPrefix(s, "{"); ok {
			name = strings.TrimRight(name, "+}")
			segments[i] = sample(r, api.Parameter{In: api.Path, Name: name})
		}
	}
	out.ExampleURL = base + strings.Join(segments, "/")
	if len(query) > 0 {
		out.ExampleURL += "?" + query.Encode()
	}
	return out
}

// sample is a value for one parameter of a made-up request.
func sample(r api.Route, p api.Parameter) string {
	if slices.ContainsFunc(r.Mappings, func(m api.Mapping) bool {
		return strings.EqualFold(m.Name, "X-Amz-Tenant-Id") && m.From.Name == p.Name && m.From.In == p.In
	}) {
		return "alice"
	}
	return p.Name
}
