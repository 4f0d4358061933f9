package loopback

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	tests := []struct {
		name   string
		method string // GET if empty
		host   string
		header http.Header
		reason string // what the 403 must say; empty means that the request passes
	}{
		{name: "curl by address", host: "127.0.0.1:3000"},
		{name: "curl by name", host: "localhost:4566"},
		{name: "no port", host: "localhost"},
		{name: "another address of 127.0.0.0/8", host: "127.9.8.7:1"},
		{name: "IPv6", host: "[::1]:3000"},
		{name: "IPv6 without a port", host: "[::1]"},
		{name: "IPv4 in IPv6", host: "[::ffff:127.0.0.1]:3000"},
		{name: "a name under localhost", host: "a1b2.execute-api.localhost:3000"},
		{name: "capitals and the root's dot", host: "LocalHost.:3000"},

		{name: "a rebound name", host: "evil.example:3000", reason: `Host "evil.example:3000"`},
		{name: "a name that starts like ours", host: "localhost.evil.example", reason: "DNS rebinding"},
		{name: "a name that ends like ours", host: "notlocalhost", reason: "DNS rebinding"},
		{name: "an address as a name", host: "127.0.0.1.nip.io:3000", reason: "DNS rebinding"},
		{name: "an address of the network", host: "192.168.1.2:3000", reason: "DNS rebinding"},
		{name: "every address", host: "0.0.0.0:3000", reason: "DNS rebinding"},
		{name: "an IPv6 zone", host: "[::1%25eth0]:3000", reason: "DNS rebinding"},
		{name: "no host", host: "", reason: "DNS rebinding"},
		{name: "a port that is none", host: "localhost:80@evil.example", reason: "DNS rebinding"},

		{name: "a page on loopback", host: "localhost:3000", header: http.Header{"Origin": {"http://127.0.0.1:5173"}}},
		{name: "a page on loopback by TLS", host: "localhost:3000", header: http.Header{"Origin": {"https://app.localhost"}}},
		{name: "a page of another site", method: "POST", host: "localhost:3000",
			header: http.Header{"Origin": {"https://evil.example"}}, reason: `Origin "https://evil.example"`},
		{name: "its preflight", method: "OPTIONS", host: "localhost:3000",
			header: http.Header{"Origin": {"https://evil.example"}}, reason: "other sites"},
		{name: "a sandboxed frame", host: "localhost:3000", header: http.Header{"Origin": {"null"}}, reason: `Origin "null"`},
		{name: "an empty origin", host: "localhost:3000", header: http.Header{"Origin": {""}}, reason: "other sites"},
		{name: "a second origin", host: "localhost:3000",
			header: http.Header{"Origin": {"http://localhost", "https://evil.example"}}, reason: "evil.example"},
		{name: "an extension's origin", host: "localhost:3000",
			header: http.Header{"Origin": {"chrome-extension://localhost"}}, reason: "other sites"},

		{name: "another site's image", host: "localhost:3000",
			header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"}},
			reason: "Sec-Fetch-Site"},
		{name: "another site's form", method: "POST", host: "localhost:3000",
			header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}},
			reason: "Sec-Fetch-Site"},
		{name: "another site's frame", host: "localhost:3000",
			header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}},
			reason: "Sec-Fetch-Site"},
		{name: "a link on another site", host: "localhost:3000",
			header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}},
		{name: "an image of a page on loopback", host: "127.0.0.1:3000",
			header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Referer": {"http://localhost:5173/"}}},
		{name: "typed into the address bar", host: "localhost:3000", header: http.Header{"Sec-Fetch-Site": {"none"}}},
		{name: "the same site", host: "localhost:3000", header: http.Header{"Sec-Fetch-Site": {"same-origin"}}},
	}
	passed := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			r := httptest.NewRequest(method, "/", nil)
			r.Host = tt.host
			if tt.header != nil {
				r.Header = tt.header
			}
			w := httptest.NewRecorder()
			Guard(passed).ServeHTTP(w, r)
			if tt.reason == "" {
				if w.Code != http.StatusTeapot {
					t.Errorf("refused: %d %s", w.Code, w.Body)
				}
				return
			}
			var body struct{ Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("body %q: %v", w.Body, err)
			}
			if w.Code != http.StatusForbidden || !strings.Contains(body.Message, tt.reason) {
				t.Errorf("%d %q, want 403 and %q", w.Code, body.Message, tt.reason)
			}
		})
	}
}

// FuzzIsHost holds that whatever passes is a loopback address or a name that
// browsers resolve to one.
func FuzzIsHost(f *testing.F) {
	for _, s := range []string{"localhost", "127.0.0.1:80", "[::1]:80", "a.localhost.", "::1", "[localhost]:80", "1.2.3.4", "localhost:", ":80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !IsHost(s) {
			return
		}
		name := strings.ToLower(s)
		if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
			if strings.Trim(name[i+1:], "0123456789") != "" {
				t.Fatalf("IsHost(%q) with a port that is none", s)
			}
			name = name[:i]
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
		if addr, err := netip.ParseAddr(name); err == nil {
			if !addr.Unmap().IsLoopback() {
				t.Fatalf("IsHost(%q), an address beyond loopback", s)
			}
			return
		}
		if name = strings.TrimSuffix(name, "."); name != "localhost" && !strings.HasSuffix(name, ".localhost") {
			t.Fatalf("IsHost(%q), a foreign name", s)
		}
	})
}
