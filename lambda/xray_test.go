package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestXRayCause(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		message string
		frames  bool
	}{
		{"an error", errors.New("sold out"), "sold out", false},
		{"one in other letters", errors.New("\x7f ausverkauft: Anlegeplätze 🛥"), "\x7f ausverkauft: Anlegeplätze 🛥", false},
		{"a panic", nil, "broken", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			p.start(Func(func(context.Context, any) (any, error) {
				if tt.err == nil {
					panic("broken")
				}
				return nil, tt.err
			}))
			c := p.accept()
			c.invoke("1", `{}`)
			header := c.failure("1").header.Get(HeaderXRayCause)
			if strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("the header is not printable ASCII: %q", header)
			}
			var got xrayError
			if err := json.Unmarshal([]byte(header), &got); err != nil {
				t.Fatalf("%v in %s", err, header)
			}
			if got.WorkingDirectory != "/var/task" || len(got.Exceptions) != 1 || got.Exceptions[0].Message != tt.message {
				t.Errorf("sent %+v", got)
			}
			if tt.frames {
				first := got.Exceptions[0].Stack[0]
				if first.Line == 0 || !strings.HasSuffix(first.Path, "xray_test.go") || !strings.Contains(first.Label, "TestXRayCause") || got.Paths[0] != first.Path {
					t.Errorf("the stack begins with %+v", first)
				}
			}
		})
	}
}

func TestXRayCauseIsLeftOutWhenItIsLong(t *testing.T) {
	p := newPlatform(t)
	p.start(Func(func(context.Context, any) (any, error) {
		return nil, errors.New(strings.Repeat("x", 20_000))
	}))
	c := p.accept()
	c.invoke("1", `{}`)
	got := c.failure("1")
	if h := got.header.Values(HeaderXRayCause); h != nil || len(got.body) < 20_000 {
		t.Errorf("sent a body of %d bytes and %d causes", len(got.body), len(h))
	}
}
