package scaffold

import (
	"bytes"
	"errors"
	"go/format"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkout is the library that these tests use.
func checkout(t *testing.T) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := FindLibrary(here)
	if want := filepath.Join(here, "..", "..", "lambda"); dir != want {
		t.Fatalf("the library was found in %q, want %s", dir, want)
	}
	return dir
}

func write(t *testing.T, p Project) []string {
	t.Helper()
	files, err := p.Write()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestProjectsPassTheirTests holds that every project builds without a network,
// and that its own tests pass.
func TestProjectsPassTheirTests(t *testing.T) {
	library := checkout(t)
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "try-"+k.Name)
			files := write(t, Project{Dir: dir, Kind: k.Name, Architecture: "x86_64", Library: library})
			for _, file := range files {
				text, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(text), "{{") || path.Ext(file) == ".tmpl" {
					t.Errorf("%s is not filled in", file)
				}
				if path.Ext(file) != ".go" {
					continue
				}
				if formatted, err := format.Source(text); err != nil || !bytes.Equal(formatted, text) {
					t.Errorf("%s is not what gofmt writes: %v", file, err)
				}
			}
			for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
				cmd := exec.CommandContext(t.Context(), "go", args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOSUMDB=off")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
		})
	}
}

func TestFilesOfAProject(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	want := []string{".gitignore", "README.md", "events/alice.json", "go.mod", "main.go", "main_test.go", "template.yaml"}
	if files := write(t, Project{Dir: dir, Architecture: "arm64", Version: "v1.2.3"}); !slices.Equal(files, want) {
		t.Errorf("the files are %v, want %v", files, want)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if want := "module shop\n\ngo 1.26.0\n\nrequire github.com/berthdev/berth/lambda v1.2.3\n"; err != nil || string(mod) != want {
		t.Errorf("go.mod is %q, %v; want %q", mod, err, want)
	}
	template, err := os.ReadFile(filepath.Join(dir, "template.yaml"))
	if err != nil || !strings.Contains(string(template), "Architectures: [arm64]") {
		t.Errorf("the template, %v, has another architecture:\n%s", err, template)
	}
}

// TestProjectBelowAWorkspace holds that a project may stand in a checkout of
// something else: its go.work would leave the project out.
func TestProjectBelowAWorkspace(t *testing.T) {
	top := t.TempDir()
	if err := os.WriteFile(filepath.Join(top, "go.work"), []byte("go 1.26.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(top, "deep", "hello")
	if files := write(t, Project{Dir: dir, Kind: "hello", Architecture: "x86_64", Library: checkout(t)}); !slices.Contains(files, "go.work") {
		t.Errorf("no go.work among %v", files)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", os.DevNull, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWriteRefuses(t *testing.T) {
	occupied := t.TempDir()
	if err := os.WriteFile(filepath.Join(occupied, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "home")
	if err := errors.Join(os.Mkdir(home, 0o700), os.WriteFile(filepath.Join(home, "mine"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		project Project
		want    string
	}{
		{"a folder that holds something", Project{Dir: home}, home + " is there already, and not empty"},
		{"a kind that is not there", Project{Dir: filepath.Join(occupied, "new"), Kind: "heloo"}, `there is no template "heloo"`},
		{"a name that is no module's", Project{Dir: filepath.Join(occupied, "7up")}, `"7up" can't name a Go module`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.project.Write()
			var hinted interface{ Hint() string }
			if err == nil || err.Error() != test.want || !errors.As(err, &hinted) || hinted.Hint() == "" {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if entries, err := os.ReadDir(occupied); err != nil || len(entries) != 1 {
		t.Errorf("something was written all the same: %v, %v", entries, err)
	}
}
