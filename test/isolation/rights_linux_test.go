package isolation

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/sandbox/namespace"
	"github.com/berthdev/berth/internal/sandbox/probe"
)

// What the kernel itself says of a function's rights.
func TestNoRights(t *testing.T) {
	requireNamespaces(t)
	b := start(t, namespace.New(namespace.Config{}), codeFolder(t), "b", "status")
	conn, err := b.RuntimeAPI.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(probe.Target{}); err != nil {
		t.Fatal(err)
	}
	var v probe.Verdict
	if err := json.NewDecoder(conn).Decode(&v); err != nil || !v.Done {
		t.Fatalf("%v: %s", err, v.How)
	}
	want := map[string]string{
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
		"CapBnd": "0000000000000000", "CapAmb": "0000000000000000",
		"NoNewPrivs": "1", "Seccomp": "2",
		"Uid": "1051\t1051\t1051\t1051", "Gid": "1051\t1051\t1051\t1051",
	}
	if os.Geteuid() == 0 {
		want["Groups"] = ""
	}
	for line := range strings.Lines(v.How) {
		key, value, _ := strings.Cut(line, ":")
		if w, ok := want[key]; ok && strings.TrimSpace(value) != w {
			t.Errorf("%s is %q, want %q", key, strings.TrimSpace(value), w)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("the kernel does not say: %v", want)
	}
}
