package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/api"
)

// isPreflight reports whether a browser asks if it may send a request.
// Source: WHATWG Fetch, CORS protocol.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers a browser's question. An origin or a method that isn't allowed
// gets no headers, which is a no.
// Source: Amazon API Gateway developer guide, http-api-cors.
func preflight(c *api.CORS, r *http.Request, h http.Header) {
	if !allowsMethod(c, r.Header.Get("Access-Control-Request-Method")) || !allowOrigin(c, r, h) {
		return
	}
	set(h, "access-control-allow-methods", c.AllowMethods)
	set(h, "access-control-allow-headers", c.AllowHeaders)
	if c.MaxAge > 0 {
		h["access-control-max-age"] = []string{strconv.Itoa(int(c.MaxAge / time.Second))}
	}
}

// crossOrigin adds to an answer what lets a page of another origin read it.
func crossOrigin(c *api.CORS, r *http.Request, h http.Header) {
	if r.Header.Get("Origin") == "" || !allowOrigin(c, r, h) {
		return
	}
	set(h, "access-control-expose-headers", c.ExposeHeaders)
}

// allowOrigin adds the headers for an origin that is allowed. With credentials, a
// browser takes no wildcard, so that the origin itself is named.
func allowOrigin(c *api.CORS, r *http.Request, h http.Header) bool {
	origin := r.Header.Get("Origin")
	if !slices.ContainsFunc(c.AllowOrigins, func(pattern string) bool { return originMatches(pattern, origin) }) {
		return false
	}
	if slices.Contains(c.AllowOrigins, "*") && !c.AllowCredentials {
		origin = "*"
	} else {
		h.Add("Vary", "Origin")
	}
	h["access-control-allow-origin"] = []string{origin}
	if c.AllowCredentials {
		h["access-control-allow-credentials"] = []string{"true"}
	}
	return true
}

// originMatches compares an origin with a pattern: itself, "*", or a scheme with
// any host, "https://*".
func originMatches(pattern, origin string) bool {
	if pattern == "*" || strings.EqualFold(pattern, origin) {
		return true
	}
	prefix, wild := strings.CutSuffix(pattern, "*")
	return wild && len(origin) > len(prefix) && strings.EqualFold(origin[:len(prefix)], prefix)
}

func allowsMethod(c *api.CORS, method string) bool {
	return slices.Contains(c.AllowMethods, "*") || slices.Contains(c.AllowMethods, method)
}

func set(h http.Header, name string, all []string) {
	if len(all) > 0 {
		h[name] = []string{strings.Join(all, ",")}
	}
}
