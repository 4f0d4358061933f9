package doctor_test

import (
	"os"
	"testing"

	"github.com/berthdev/berth/internal/sandbox/doctor"
	"github.com/berthdev/berth/internal/sandbox/namespace"
)

func TestMain(m *testing.M) {
	namespace.Stage()
	os.Exit(m.Run())
}

func TestExamine(t *testing.T) {
	dir := t.TempDir()
	r, err := doctor.Examine(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range r.Findings {
		t.Logf("%s %s: %t: %s [%s]", f.Kind, f.Name, f.OK, f.Detail, f.Fix)
		seen[f.Name] = true
		if f.Detail == "" || f.OK == (f.Fix != "") {
			t.Errorf("%s: every finding says how or why, and one that is bad says what to do: %+v", f.Name, f)
		}
	}
	for _, name := range []string{"namespace", "landlock", "process", "memory", "processes", "cpu"} {
		if !seen[name] {
			t.Errorf("nothing is said about %s", name)
		}
	}
	if r.Strongest == "" {
		t.Error("process can be had everywhere")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
