package platform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The same template has the same state, whatever it is called by; two templates
// never share one.
func TestStateFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_STATE_HOME", home)
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "template.yaml"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	folder := func(template string) string {
		t.Helper()
		f, err := stateFolder(template)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a := folder("a/template.yaml")
	if !strings.HasPrefix(a, filepath.Join(home, "berth", "a-")) {
		t.Errorf("the state is in %s", a)
	}
	for _, same := range []string{filepath.Join(dir, "a", "template.yaml"), "./b/../a/template.yaml", "link/template.yaml"} {
		if got := folder(same); got != a {
			t.Errorf("%s has its state in %s, and a/template.yaml in %s", same, got, a)
		}
	}
	for _, other := range []string{"b/template.yaml", "a/other.yaml"} {
		if got := folder(other); got == a {
			t.Errorf("%s shares the state of a/template.yaml", other)
		}
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", home)
	if got := folder("a/template.yaml"); !strings.HasPrefix(got, filepath.Join(home, ".local", "state", "berth")) {
		t.Errorf("without XDG_STATE_HOME the state is in %s", got)
	}
}
