// Package house holds the building plan of ARCHITECTURE.md: nothing imports
// upwards, and the platform and the library meet only on the wire.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const root = "github.com/berthdev/berth"

// floors are the packages of the platform; a folder stands for what is below it.
var floors = map[string]int{
	"cmd/berth":            7,
	"internal/platform":    6,
	"internal/service":     5,
	"internal/gateway":     5,
	"internal/eventsource": 5,
	"internal/invocation":  4,
	"internal/prove":       4,
	"internal/destination": 3,
	"internal/fleet":       3,
	"internal/environment": 2,
	"internal/template":    2,
	"internal/backlog":     2,
	"internal/sqs":         2,
	"internal/sandbox":     1,
	"internal/telemetry":   1,
	"internal/packaging":   1,
	"internal/loopback":    1,
	"internal/accesskey":   1,
	"internal/sigv4":       1,
	"internal/store":       1,
	"internal/intake":      1,
	"internal/function":    0,
	"internal/fixture":     0,
	"internal/scaffold":    0,
	"internal/queue":       0,
	"internal/api":         0,
}

// floor is where a package stands; ok is false if the plan does not have it.
func floor(path string) (n int, ok bool) {
	rest := strings.TrimPrefix(path, root+"/")
	for rest != "" {
		if n, ok := floors[rest]; ok {
			return n, true
		}
		i := strings.LastIndexByte(rest, '/')
		rest = rest[:max(i, 0)]
	}
	return 0, false
}

type listed struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T, pattern string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", pattern)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pattern, err)
	}
	var all []listed
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestNothingImportsUpwards(t *testing.T) {
	for _, pattern := range []string{"./cmd/...", "./internal/..."} {
		for _, p := range list(t, pattern) {
			here, ok := floor(p.ImportPath)
			if !ok {
				t.Errorf("%s has no floor in ARCHITECTURE.md", p.ImportPath)
				continue
			}
			for _, imported := range p.Imports {
				if !strings.HasPrefix(imported, root+"/") {
					continue
				}
				if strings.HasPrefix(imported, root+"/lambda") {
					t.Errorf("%s imports %s: platform and library meet only on the wire", p.ImportPath, imported)
					continue
				}
				if there, _ := floor(imported); there > here {
					t.Errorf("%s, floor %d, imports %s, floor %d", p.ImportPath, here, imported, there)
				}
			}
		}
	}
}

func TestLibraryImportsNothingOfThePlatform(t *testing.T) {
	for _, p := range list(t, "./lambda/...") {
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, root+"/") && !strings.HasPrefix(imported, root+"/lambda") {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}
