package template

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden runs make on every archive of a folder. The first file of an archive is
// a template, its last what make must return for it.
func golden(t *testing.T, dir string, make func(t *testing.T, file string, src []byte) string) {
	archives, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in %s: %v", dir, err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Files) != 2 {
				t.Fatalf("%d files in the archive, want 2", len(a.Files))
			}
			got, want := make(t, a.Files[0].Name, a.Files[0].Data), string(a.Files[1].Data)
			if got == want {
				return
			}
			if *update {
				a.Files[1].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		})
	}
}

// TestFaults holds what a user reads for every kind of mistake: the problem, and
// below it what to type.
func TestFaults(t *testing.T) {
	golden(t, "faults", func(t *testing.T, file string, src []byte) string {
		template, err := Parse(file, src)
		if err == nil {
			t.Fatal("the template has no fault")
		}
		if template != nil {
			t.Error("there is a template beside the faults")
		}
		var b strings.Builder
		for _, e := range Errors(err) {
			b.WriteString(e.Error() + "\n")
			if e.Hint() != "" {
				b.WriteString("  try: " + e.Hint() + "\n")
			}
		}
		return b.String()
	})
}

// TestModels holds what templates mean, with their notices.
func TestModels(t *testing.T) {
	golden(t, "models", func(t *testing.T, file string, src []byte) string {
		template, err := Parse(file, src)
		if err != nil {
			t.Fatal(err)
		}
		notices := template.Notices
		template.Notices = nil
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(trim(t, template)); err != nil {
			t.Fatal(err)
		}
		for _, n := range notices {
			b.WriteString(n.String() + "\n")
		}
		return b.String()
	})
}

// trim drops what is empty from the JSON of a value: goldens are for reading.
func trim(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var all any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if v[k] = walk(e); v[k] == nil || v[k] == "" || v[k] == false || v[k] == 0.0 {
					delete(v, k)
				}
			}
			if len(v) == 0 {
				return nil
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		}
		return v
	}
	return walk(all)
}
