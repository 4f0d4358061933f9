package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tenantHeader is the header by which Lambda's Invoke is told the tenant.
const tenantHeader = "X-Amz-Tenant-Id"

// incoming is a client's request, read once.
type incoming struct {
	method, protocol string
	path             string // as the client escaped it; it begins with a slash
	host             string
	rawQuery         string
	query            values
	headers          headers  // what the event shows
	tenant           []string // the client's own X-Amz-Tenant-Id, for a mapping that names it
	sourceIP         string
	userAgent        string
	at               time.Time
	requestID        string // of this request at the gateway; Lambda's own is another
	extendedID       string
	traceID          string
}

// values holds the values of each name, in the order in which they came.
type values map[string][]string

// last gives the value that counts where only one can be shown.
func (v values) last(name string) (string, bool) {
	if all := v[name]; len(all) > 0 {
		return all[len(all)-1], true
	}
	return "", false
}

// singles has the last value of each name; nil if there are no names.
func (v values) singles() map[string]string {
	if len(v) == 0 {
		return nil
	}
	one := make(map[string]string, len(v))
	for name := range v {
		one[name], _ = v.last(name)
	}
	return one
}

// headers are the ones that an event shows. Names are compared without regard to
// case and shown as the client spelled them.
type headers struct {
	byName   values            // by canonical name
	spelling map[string]string // by canonical name, where it differs
}

func (h headers) get(name string) []string { return h.byName[http.CanonicalHeaderKey(name)] }

// set replaces a header, whatever its spelling was. Without values it is deleted.
func (h *headers) set(name string, all ...string) {
	canonical := http.CanonicalHeaderKey(name)
	delete(h.spelling, canonical)
	if len(all) == 0 {
		delete(h.byName, canonical)
		return
	}
	h.byName[canonical] = all
	if name != canonical {
		h.spelling[canonical] = name
	}
}

// spelled has the values by the names that the event shows.
func (h headers) spelled() values {
	if len(h.spelling) == 0 {
		return h.byName
	}
	shown := make(values, len(h.byName))
	for canonical, all := range h.byName {
		name, ok := h.spelling[canonical]
		if !ok {
			name = canonical
		}
		shown[name] = all
	}
	return shown
}

func (h headers) clone() headers {
	return headers{byName: maps.Clone(h.byName), spelling: maps.Clone(h.spelling)}
}

// read takes in everything of r but its body.
func (s source) read(r *http.Request) *incoming {
	in := &incoming{
		method:     r.Method,
		protocol:   r.Proto,
		path:       "/" + strings.TrimPrefix(r.URL.EscapedPath(), "/"),
		host:       r.Host,
		rawQuery:   r.URL.RawQuery,
		query:      parseQuery(r.URL.RawQuery),
		sourceIP:   hostOf(r.RemoteAddr),
		userAgent:  r.UserAgent(),
		at:         s.now(),
		requestID:  s.requestID(),
		extendedID: s.extendedID(),
		traceID:    r.Header.Get("X-Amzn-Trace-Id"),
	}
	if !strings.Contains(in.traceID, "Root=") {
		in.traceID = s.traceID(in.at)
	}
	in.headers = readHeaders(r, in)
	in.tenant = r.Header.Values(tenantHeader)
	return in
}

// readHeaders gives what an event shows of the client's headers, and what the
// gateway adds. Of hop-by-hop headers and of lengths the function learns nothing,
// and X-Amz-Tenant-Id is not the client's to send.
// Source: Amazon API Gateway developer guide, api-gateway-known-issues, and
// recorded events.
func readHeaders(r *http.Request, in *incoming) headers {
	h := headers{byName: make(values, len(r.Header)+5), spelling: map[string]string{}}
	names := spellings(r.Context())
	for name, all := range r.Header {
		h.byName[name] = slices.Clip(all)
		if spelled, ok := names[name]; ok && spelled != name && name != "Authorization" && name != "User-Agent" {
			h.spelling[name] = spelled
		}
	}
	for _, name := range []string{"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", tenantHeader} {
		h.set(name)
	}
	proto, port := "http", "80"
	if r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil && p != "" {
		port = p
	}
	h.set("Host", r.Host)
	h.set("X-Amzn-Trace-Id", in.traceID)
	h.set("X-Forwarded-For", strings.Join(append(slices.Clip(r.Header.Values("X-Forwarded-For")), in.sourceIP), ", "))
	h.set("X-Forwarded-Port", port)
	h.set("X-Forwarded-Proto", proto)
	return h
}

// parseQuery decodes a query. Unlike package url it drops nothing: what can't be
// decoded stays as it came, and a semicolon separates as an ampersand does.
// Source: Amazon API Gateway developer guide, api-gateway-known-issues.
func parseQuery(raw string) values {
	var query values
	for pair := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '&' || r == ';' }) {
		if query == nil {
			query = values{}
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescapeQuery(name), unescapeQuery(value)
		query[name] = append(query[name], value)
	}
	return query
}

func unescapeQuery(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// newTraceID makes the trace header of a request that came without one.
// Source: AWS X-Ray developer guide, xray-concepts-tracingheader.
func newTraceID(now time.Time) string {
	id := make([]byte, 12)
	rand.Read(id) // never fails
	return fmt.Sprintf("Root=1-%08x-%s", now.Unix(), hex.EncodeToString(id))
}
