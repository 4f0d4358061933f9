package isolation

import (
	"os/exec"
	"strings"
	"testing"
)

// A wall that an option could take down would be down somewhere: only the driver
// and tests may name them.
func TestNobodyNamesWalls(t *testing.T) {
	const names = "github.com/berthdev/berth/internal/sandbox/namespace/walls"
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{.Imports}}", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var importers []string
	for line := range strings.Lines(string(out)) {
		path, imports, _ := strings.Cut(line, " ")
		if strings.Contains(imports, names) {
			importers = append(importers, path)
		}
	}
	if len(importers) != 1 || importers[0] != "github.com/berthdev/berth/internal/sandbox/namespace" {
		t.Errorf("imported by %q", importers)
	}
}
