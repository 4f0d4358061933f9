package gateway

import (
	"maps"
	"net/http"
	"strings"

	"github.com/berthdev/berth/internal/api"
)

// missing names the required parameters that a request lacks, in the order in
// which API Gateway reports them: headers, path, query. One that is blank counts
// as missing.
// Source: Amazon API Gateway developer guide, api-gateway-method-request-validation.
func missing(declared []api.Parameter, in *incoming, params map[string]string) []string {
	var names []string
	for _, location := range []api.Location{api.Header, api.Path, api.QueryString} {
		for _, p := range declared {
			if !p.Required || single(p.In) != location {
				continue
			}
			if v, ok := lookup(p.In, p.Name, in, params); !ok || strings.TrimSpace(strings.Join(v, "")) == "" {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// single is the location of which l shows all the values.
func single(l api.Location) api.Location {
	switch l {
	case api.MultiHeader:
		return api.Header
	case api.MultiQueryString:
		return api.QueryString
	}
	return l
}

// lookup gives a part of the client's request: the last value, or for the
// locations of multiple values all of them. Path parameters are as the client
// escaped them, here as in events.
func lookup(in api.Location, name string, r *incoming, params map[string]string) ([]string, bool) {
	var all []string
	switch in {
	case api.Path:
		value, ok := params[name]
		return []string{value}, ok
	case api.QueryString, api.MultiQueryString:
		all = r.query[name]
	case api.Header, api.MultiHeader:
		all = r.headers.get(name)
		if http.CanonicalHeaderKey(name) == tenantHeader {
			all = r.tenant
		}
	}
	if len(all) > 1 && in == single(in) {
		all = all[len(all)-1:]
	}
	return all, len(all) > 0
}

// mapped is what a method's mappings make of a request.
type mapped struct {
	headers headers
	query   values
	tenant  *string // what was mapped to X-Amz-Tenant-Id; nil if nothing was
}

// applyMappings carries out a method's request parameter mappings. Those to
// headers and to the query replace what the client sent under that name, and are
// added to the event; a source that the request lacks maps nothing. Mappings to
// the path have nothing to act on: Lambda's path is fixed.
// Source: Amazon API Gateway developer guide, request-response-data-mappings.
func applyMappings(mappings []api.Mapping, in *incoming, params, variables map[string]string, rc *contextV1) mapped {
	m := mapped{headers: in.headers, query: in.query}
	if len(mappings) == 0 {
		return m
	}
	m.headers, m.query = in.headers.clone(), maps.Clone(in.query)
	for _, mapping := range mappings {
		all, ok := resolve(mapping.From, in, params, variables, rc.lookup)
		if !ok {
			continue
		}
		switch mapping.To {
		case api.Header:
			m.headers.set(mapping.Name, all...)
			if http.CanonicalHeaderKey(mapping.Name) == tenantHeader {
				tenant := strings.Join(all, ",")
				m.tenant = &tenant
			}
		case api.QueryString:
			if m.query == nil {
				m.query = values{}
			}
			m.query[mapping.Name] = all
		}
	}
	return m
}

// resolve gives the values of a mapping's source; ok is false if it has none.
func resolve(from api.Source, in *incoming, params, variables map[string]string, context func(string) (string, bool)) (all []string, ok bool) {
	var value string
	switch {
	case from.Literal != nil:
		return []string{*from.Literal}, true
	case from.Context != "":
		value, ok = context(from.Context)
		return []string{value}, ok
	case from.Variable != "":
		value, ok = variables[from.Variable]
		return []string{value}, ok
	}
	return lookup(from.In, from.Name, in, params)
}
