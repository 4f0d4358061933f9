package tenantcreds

import (
	"regexp"
	"strings"
	"testing"
)

func TestSessionName(t *testing.T) {
	for _, c := range []struct{ name, tenant, want string }{
		{"an ID that is allowed is kept", "acme-corp@eu=1", "acme-corp@eu=1"},
		{"one that is as long as allowed, too", strings.Repeat("a", 64), strings.Repeat("a", 64)},
		{"other characters are replaced, and a hash added", "a/b", "a-b-c14cddc033f6"},
		{"so that another ID has another name", "a:b", "a-b-6783a31eabf6"},
		{"a long one is cut", strings.Repeat("a", 65), strings.Repeat("a", 51) + "-635361c48bb9"},
		{"a single character is too short", "x", "x-2d711642b726"},
		{"an ID that looks like another's name gets its own hash", "a-b-c14cddc033f6", "a-b-c14cddc033f6-c9fe1abb178e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sessionName(c.tenant); got != c.want {
				t.Errorf("sessionName(%q) = %q, want %q", c.tenant, got, c.want)
			}
		})
	}
}

func FuzzSessionName(f *testing.F) {
	f.Add("alice", "al ice")
	f.Add("a/b", "a:b")
	f.Add("a/b", "a-b-c14cddc033f6")
	allowed := regexp.MustCompile(`^[\w+=,.@-]{2,64}$`) // AWS STS API reference, AssumeRole
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, tenant := range []string{a, b} {
			if name := sessionName(tenant); !allowed.MatchString(name) {
				t.Errorf("sessionName(%q) = %q, which STS refuses", tenant, name)
			}
		}
		if a != b && len(a) > 0 && len(b) > 0 && sessionName(a) == sessionName(b) {
			t.Errorf("%q and %q have the same session name", a, b)
		}
	})
}
