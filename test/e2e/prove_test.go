package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/sandbox/namespace"
)

func TestProve(t *testing.T) {
	if err := namespace.New(namespace.Config{}).Check(t.Context(), t.TempDir()); err != nil {
		t.Skip(err)
	}
	event := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(event, []byte(`{"order":7}`), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, status := command(t, "", "prove", "Leaky", "testdata/leaky", "--event", event, "--tenants", "acme,globex")
	if status != 0 || stderr != "" {
		t.Errorf("status %d, %s", status, stderr)
	}
	for _, want := range []string{
		"Leaky under the isolation namespace", "another tenant's environment variables", "holds", "OWN",
		`globex  order.json  $.before  ""        "acme"`, "3 of 4 answers depended on another tenant", "TenancyConfig",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(stdout)
	}

	stdout, _, _ = command(t, "", "prove", "Leaky", "testdata/leaky", "--json")
	var p struct {
		Isolation string
		Walls     []struct{ Holds bool }
		Answers   []struct{ TenantID string }
	}
	if err := json.Unmarshal([]byte(stdout), &p); err != nil || p.Isolation != "namespace" || len(p.Walls) < 20 || len(p.Answers) != 4 {
		t.Errorf("as JSON: %v\n%s", err, stdout)
	}
}

func TestProveRefuses(t *testing.T) {
	for _, tt := range []struct{ name, args, want string }{
		{"no such function", "prove Nobody testdata/leaky", "has no function Nobody\n  try: berth prove with one of Leaky"},
		{"one tenant", "prove Leaky testdata/leaky --tenants alice", "it takes two to share"},
		{"no round", "prove Leaky testdata/leaky --rounds 0", "each event is sent once at least"},
		{"a tenant that can't be", "prove Leaky testdata/leaky --tenants a#b,c", "at 'tenantId' failed to satisfy constraint"},
		{"no such event", "prove Leaky testdata/leaky --event nowhere.json", "nowhere.json: no such file"},
		{"an event that is no JSON", "prove Leaky testdata/leaky --event prove_test.go", "prove_test.go holds no JSON"},
	} {
		stdout, stderr, status := command(t, "", strings.Fields(tt.args)...)
		if status != 1 || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: status %d, %s%s, want %q", tt.name, status, stdout, stderr, tt.want)
		}
	}
}
