// Package loopback keeps the web away from a server that is meant for the
// programs of one machine.
//
// A listener on 127.0.0.1 is out of the network's reach, but not of a browser's:
// any page the user opens can send requests to it, and by DNS rebinding can read
// the answers. [Guard] refuses both. It knows nothing of what it protects.
package loopback

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Guard passes on to next what a program on this machine sent, and answers 403
// to the rest, with a JSON message that says why:
//
//   - A Host that isn't a loopback name. A page whose own name was rebound to
//     127.0.0.1 still sends that name.
//   - An Origin that isn't a loopback one: a page of another site is calling.
//     So is "null", the origin of sandboxed frames and local files.
//   - No Origin, but a browser's own word (Sec-Fetch-Site) that another site
//     embeds this address, as in an img element. Following a link to it is
//     allowed, and so is embedding by a page that is itself on loopback.
//
// Loopback names are localhost, *.localhost, 127.0.0.0/8 and ::1, with any port.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := foreign(r); why != "" {
			refuse(w, why)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign says what makes r a stranger's request, "" if nothing does.
func foreign(r *http.Request) string {
	if !IsHost(r.Host) {
		return fmt.Sprintf("Host %q is not a name of this machine's loopback: "+
			"Berth answers to localhost, *.localhost, 127.0.0.1 and [::1] only, "+
			"so that no web page can reach it under a name of its own (DNS rebinding)", r.Host)
	}
	origins := r.Header.Values("Origin")
	for _, origin := range origins {
		if !isOrigin(origin) {
			return fmt.Sprintf("Origin %q is not on this machine's loopback: "+
				"Berth does not answer to pages of other sites", origin)
		}
	}
	if len(origins) == 0 && r.Header.Get("Sec-Fetch-Site") == "cross-site" &&
		!followsLink(r) && !isOrigin(r.Referer()) {
		return "Sec-Fetch-Site says that a page of another site embeds this address: " +
			"Berth does not answer to pages of other sites"
	}
	return ""
}

// followsLink reports whether a browser loads r as a page of its own.
// Source: W3C Fetch Metadata Request Headers.
func followsLink(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document" &&
		(r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// IsHost reports whether hostport, a Host header with or without a port, names
// this machine's loopback.
func IsHost(hostport string) bool {
	host := hostport
	if h, port, err := net.SplitHostPort(hostport); err == nil {
		if !isPort(port) {
			return false
		}
		host = h
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		if host, ok = strings.CutSuffix(inner, "]"); !ok {
			return false
		}
	} else if strings.Contains(host, ":") {
		return false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == "" && addr.Unmap().IsLoopback()
	}
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

func isPort(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) <= 5
}

// isOrigin reports whether s, an Origin or a Referer, is a page on loopback.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && IsHost(u.Host)
}

// refuse answers in the shape that AWS SDKs and the gateways share.
func refuse(w http.ResponseWriter, why string) {
	body, _ := json.Marshal(struct { // a struct of one string: it can't fail
		Message string `json:"message"`
	}{why})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-ErrorType", "AccessDeniedException")
	w.WriteHeader(http.StatusForbidden)
	w.Write(body) // the client has left: nobody to tell
}
