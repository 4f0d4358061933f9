package packaging

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSourcesAreTheFolderAndWhatItImportsFromItsModule(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                  "module m\n\ngo 1.26\n",
		"orders/orders.go":        "package orders\n",
		"unused/unused.go":        "package unused\n",
		"function/main.go":        "package main\n\nimport _ \"m/orders\"\n\nfunc main() {}\n",
		"function/assets/x.txt":   "x",
		"function/.git/HEAD":      "x",
		"function/node_modules/x": "x",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	got, err := Sources(t.Context(), Spec{ID: "F", Source: filepath.Join(root, "function")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(root, "function"), filepath.Join(root, "function/assets"), filepath.Join(root, "orders")}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
