package lambdahttp

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// request makes an HTTP request of the event, as a server would have read it
// from a connection. base is cut off the path where the path starts with it.
func (e *event) request(ctx context.Context, base string) (*http.Request, error) {
	method := e.HTTPMethod
	protocol := e.Context.Protocol
	if h := e.Context.HTTP; e.format() == v2 {
		method, protocol = h.Method, h.Protocol
	}
	header, err := e.header()
	if err != nil {
		return nil, err
	}
	body, err := e.body()
	if err != nil {
		return nil, err
	}
	u := location(e.path(base))
	u.RawQuery = e.query()
	host := header.Get("Host")
	if host == "" {
		host = e.Context.DomainName
	}
	header.Del("Host") // a server has it in Request.Host only

	// NewRequest is asked for what it checks and sets: method, body and context.
	r, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, &EventError{err}
	}
	if len(body) == 0 {
		r.Body = http.NoBody
	} else {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	r.GetBody = nil // a client's
	r.URL = u
	r.RequestURI = u.RequestURI()
	r.Host = host
	r.Header = header
	r.RemoteAddr = e.remoteAddr(header)
	if major, minor, ok := http.ParseHTTPVersion(protocol); ok {
		r.Proto, r.ProtoMajor, r.ProtoMinor = protocol, major, minor
	}
	return r, nil
}

// path is what the function's own routes are matched with, escaped: neither the
// stage, where the door puts it in front, nor the base path belong to it.
//
// A stage is in front of an HTTP API's paths, and only under the API's own domain
// name: a custom domain name has a mapping key there, which is base.
func (e *event) path(base string) string {
	path := e.Path
	if e.format() == v2 {
		path = e.RawPath
	}
	if c := e.Context; e.source() == HTTPAPI && c.Stage != "$default" && c.DomainPrefix == c.APIID {
		path = cutSegments(path, c.Stage)
	}
	return cutSegments(path, base)
}

// cutSegments cuts prefix, "v1" or "/api/v1/", off a path that starts with these
// segments, and returns any other as it is.
func cutSegments(path, prefix string) string {
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return path
	}
	if rest, ok := strings.CutPrefix(path, "/"+prefix); ok && (rest == "" || rest[0] == '/') {
		return rest
	}
	return path
}

// location is the URL of an escaped path. One whose escapes are broken is taken
// for a path that has been unescaped already.
func location(path string) *url.URL {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		return &url.URL{Path: path}
	}
	u := &url.URL{Path: unescaped}
	if u.EscapedPath() == path {
		return u // routers prefer RawPath, which must not be set without need
	}
	u.RawPath = path
	if u.EscapedPath() != path { // it is not what a client may send
		u.RawPath = ""
	}
	return u
}

// query is the query string. Keys have an order only in payload format 2.0.
func (e *event) query() string {
	f := e.format()
	if f == v2 {
		return e.RawQuery
	}
	values := url.Values(e.MultiQuery)
	if values == nil {
		values = make(url.Values, len(e.Query))
	}
	for k, v := range e.Query {
		if _, ok := values[k]; !ok {
			values[k] = []string{v}
		}
	}
	if f == v1 {
		return values.Encode()
	}
	var b strings.Builder // an ALB hands names and values on as the client has escaped them
	for _, k := range slices.Sorted(maps.Keys(values)) {
		for _, v := range values[k] {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(k)
			b.WriteByte('=')
			b.WriteString(v)
		}
	}
	return b.String()
}

// header has every value of every header. Where the event has both maps, the one
// of single values has only names that the other lacks.
func (e *event) header() (http.Header, error) {
	h := make(http.Header, max(len(e.Headers), len(e.MultiHeaders)))
	add := func(name, value string) error {
		if !isToken(name) {
			return &EventError{fmt.Errorf("a header is called %q", name)}
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return &EventError{fmt.Errorf("header %s has a line break or a NUL in it", name)}
		}
		h.Add(name, value)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(e.MultiHeaders)) {
		for _, v := range e.MultiHeaders[name] {
			if err := add(name, v); err != nil {
				return nil, err
			}
		}
	}
	multi := len(h)
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if multi > 0 && len(h.Values(name)) > 0 {
			continue
		}
		if err := add(name, e.Headers[name]); err != nil {
			return nil, err
		}
	}
	if len(e.Cookies) > 0 { // payload format 2.0 takes them out of the headers
		if err := add("Cookie", strings.Join(e.Cookies, "; ")); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// isToken reports whether s can be the name of a header.
// Source: RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

func (e *event) body() ([]byte, error) {
	if !e.Base64 {
		return []byte(e.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return nil, &EventError{fmt.Errorf("body: %w", err)}
	}
	return body, nil
}

// remoteAddr is the client's address as a server gives it, "192.0.2.7:0", because
// most programs split it; only some ALBs tell a port. An ALB says nothing of the
// client but in X-Forwarded-For, to which it appends the address that it saw.
func (e *event) remoteAddr(h http.Header) string {
	var ip string
	switch e.format() {
	case v1:
		ip = e.Context.Identity.SourceIP
	case v2:
		ip = e.Context.HTTP.SourceIP
	default:
		hops := strings.Split(strings.Join(h.Values("X-Forwarded-For"), ","), ",")
		ip = strings.TrimSpace(hops[len(hops)-1])
		if client, err := netip.ParseAddrPort(ip); err == nil {
			return client.String()
		}
	}
	if ip == "" {
		return ""
	}
	return net.JoinHostPort(strings.Trim(ip, "[]"), "0")
}
