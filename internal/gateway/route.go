package gateway

import (
	"net/url"
	"strings"
)

// resource is a path of an API, in segments, and what its methods lead to.
type resource[R any] struct {
	path     string // as declared: "/orders/{id}"
	segments []segment
	methods  map[string]R // by "GET" or "ANY"
}

type segment struct {
	kind segmentKind
	text string // of a literal, or the name of a variable
}

// segmentKind orders segments from the most specific to the least.
type segmentKind int

const (
	literal  segmentKind = 0
	variable segmentKind = 1 // {id}: one segment
	greedy   segmentKind = 2 // {proxy+}: one or more, at the end
)

// routes chooses among the resources of one API.
type routes[R any] []*resource[R]

// add puts a method under a path; the last one added counts.
func (rs *routes[R]) add(path, method string, target R) {
	for _, r := range *rs {
		if r.path == path {
			r.methods[method] = target
			return
		}
	}
	*rs = append(*rs, &resource[R]{
		path:     path,
		segments: parseSegments(path),
		methods:  map[string]R{method: target},
	})
}

func parseSegments(path string) []segment {
	var segments []segment
	for _, text := range splitPath(path) {
		name, isVariable := strings.CutPrefix(text, "{")
		name, closed := strings.CutSuffix(name, "}")
		switch {
		case !isVariable || !closed:
			segments = append(segments, segment{literal, text})
		case strings.HasSuffix(name, "+"):
			segments = append(segments, segment{greedy, strings.TrimSuffix(name, "+")})
		default:
			segments = append(segments, segment{variable, name})
		}
	}
	return segments
}

// splitPath gives the segments of an escaped path without its first slash and
// without one at the end. "/" has none.
func splitPath(path string) []string {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// match finds the resource for an escaped path: segment by segment, a literal
// before a variable before a greedy one. params has the path's variables as the
// client escaped them; nil if there are none. ok is false when no resource fits.
// Source: Amazon API Gateway developer guide, api-gateway-method-settings-method-request
// and set-up-lambda-proxy-integrations.
func (rs routes[R]) match(path string) (found *resource[R], params map[string]string, ok bool) {
	return rs.best(path, sameDecoded, moreSpecific)
}

// matchDecoded is match for a path that is decoded already, with a greedy resource
// only where no other fits.
func (rs routes[R]) matchDecoded(path string) (found *resource[R], params map[string]string, ok bool) {
	return rs.best(path, sameText, func(a, b []segment) bool {
		if isGreedy(a) != isGreedy(b) {
			return isGreedy(b)
		}
		return moreSpecific(a, b)
	})
}

// best finds the resource that fits path and that no other one beats. same compares
// a segment of the client's with a literal of the template's.
func (rs routes[R]) best(path string, same func(got, want string) bool, beats func(a, b []segment) bool) (found *resource[R], params map[string]string, ok bool) {
	parts := splitPath(path)
	for _, r := range rs {
		if r.fits(parts, same) && (found == nil || beats(r.segments, found.segments)) {
			found = r
		}
	}
	if found == nil {
		return nil, nil, false
	}
	for i, s := range found.segments {
		if s.kind == literal {
			continue
		}
		if params == nil {
			params = map[string]string{}
		}
		if s.kind == greedy {
			params[s.text] = strings.Join(parts[i:], "/")
		} else {
			params[s.text] = parts[i]
		}
	}
	return found, params, true
}

// fits reports whether the resource can serve a path of these segments.
func (r *resource[R]) fits(parts []string, same func(got, want string) bool) bool {
	for i, s := range r.segments {
		switch {
		case i >= len(parts):
			return false
		case s.kind == greedy:
			return true
		case s.kind == variable && parts[i] == "":
			return false
		case s.kind == literal && !same(parts[i], s.text):
			return false
		}
	}
	return len(parts) == len(r.segments)
}

func sameText(got, want string) bool { return got == want }

// sameDecoded compares what the client wrote with its escapes resolved.
func sameDecoded(got, want string) bool {
	if got == want {
		return true
	}
	text, err := url.PathUnescape(got)
	return err == nil && text == want
}

// moreSpecific reports whether a, of two resources that fit the same path, has the
// more specific segment where they first differ.
func moreSpecific(a, b []segment) bool {
	for i := range min(len(a), len(b)) {
		if a[i].kind != b[i].kind {
			return a[i].kind < b[i].kind
		}
	}
	return len(a) > len(b)
}

func isGreedy(segments []segment) bool {
	return len(segments) > 0 && segments[len(segments)-1].kind == greedy
}

// method chooses among a resource's methods: an exact one before ANY.
func (r *resource[R]) method(name string) (target R, ok bool) {
	if target, ok = r.methods[name]; !ok {
		target, ok = r.methods["ANY"]
	}
	return target, ok
}
