//go:build unix

package packaging

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const mainGo = "package main\n\nfunc main() { println(\"one\") }\n"

// source writes a folder; names end in "*" for files that are executable.
func source(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		mode := os.FileMode(0o600)
		if cut, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = cut, 0o700
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func module(t *testing.T, main string) string {
	return source(t, map[string]string{"go.mod": "module example.com/fn\n\ngo 1.26\n", "main.go": main})
}

func spec(t *testing.T, dir string) Spec {
	return Spec{ID: "Counter", Template: filepath.Join(dir, "template.yaml"), Source: dir, Cache: t.TempDir()}
}

func build(t *testing.T, s Spec) *Artifact {
	t.Helper()
	a, err := Build(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// left lists what is in the places of a cache, but for locks and links.
func left(t *testing.T, cache string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(cache, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(found, func(f string) bool {
		return filepath.Base(f) == lockName || filepath.Base(f) == lastName
	})
}

func TestBuildMakesABootstrapThatRuns(t *testing.T) {
	a := build(t, spec(t, module(t, mainGo)))
	file := filepath.Join(a.Dir, "bootstrap")
	for path, want := range map[string]os.FileMode{a.Dir: 0o755, file: 0o755} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	out, err := exec.Command(file).CombinedOutput()
	if err != nil || string(out) != "one\n" {
		t.Errorf("bootstrap wrote %q, %v", out, err)
	}
}

func TestSameSourceGivesTheSameFolder(t *testing.T) {
	dir := module(t, mainGo)
	s := spec(t, dir)
	first, again := build(t, s), build(t, s)
	if first.Dir != again.Dir {
		t.Errorf("two builds of one source are %s and %s", first.Dir, again.Dir)
	}
	elsewhere := build(t, spec(t, module(t, mainGo)))
	if filepath.Base(first.Dir) != filepath.Base(elsewhere.Dir) {
		t.Errorf("the same source in another folder gave other bytes: %s and %s", first.Dir, elsewhere.Dir)
	}
}

func TestArtifactStaysUntilItIsClosed(t *testing.T) {
	dir := module(t, mainGo)
	s := spec(t, dir)
	old := build(t, s)
	edit := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(strings.ReplaceAll(mainGo, "one", text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("two")
	second := build(t, s)
	if second.Dir == old.Dir {
		t.Fatal("an edit did not change the folder")
	}
	if err := checkBootstrap(s, old.Dir); err != nil {
		t.Errorf("an artifact that is in use was removed: %v", err)
	}
	old.Close()
	edit("three")
	third := build(t, s)
	got := left(t, s.Cache)
	slices.Sort(got)
	want := []string{second.Dir, third.Dir}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("after the old artifact was closed there are %q, want %q", got, want)
	}
}

func TestConcurrentBuildsOfOneFunction(t *testing.T) {
	s := spec(t, module(t, mainGo))
	var wg sync.WaitGroup
	dirs := make([]string, 4)
	for i := range dirs {
		wg.Go(func() {
			a, err := Build(t.Context(), s)
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Close()
			dirs[i] = a.Dir
			if err := checkBootstrap(s, a.Dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if slices.Sort(dirs); dirs[0] != dirs[3] {
		t.Errorf("one source was built as %q", dirs)
	}
	if got := left(t, s.Cache); len(got) != 1 {
		t.Errorf("left in the cache: %q, want one artifact", got)
	}
}

func TestCompileErrorIsTheCompilersOwnText(t *testing.T) {
	s := spec(t, module(t, "package main\n\nfunc main() {\n\treturn 1\n}\n"))
	_, err := Build(t.Context(), s)
	if _, ok := errors.AsType[*CompileError](err); !ok {
		t.Fatalf("got %v, want a *CompileError", err)
	}
	for _, want := range []string{"# example.com/fn\n", "./main.go:4:9: too many return values"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %q, want it to contain %q", err, want)
		}
	}
	if got := left(t, s.Cache); len(got) != 0 {
		t.Errorf("left in the cache: %q", got)
	}
}

func TestCompileErrorLeavesTheLastArtifact(t *testing.T) {
	dir := module(t, mainGo)
	s := spec(t, dir)
	a := build(t, s)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(t.Context(), s); err == nil {
		t.Fatal("a package main without func main was built")
	}
	if err := checkBootstrap(s, a.Dir); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeBuilt(t *testing.T) {
	tests := []struct {
		name   string
		files  map[string]string
		method string
		want   string
		hint   string
	}{
		{"a package that is not main", map[string]string{"go.mod": "module m\n", "a.go": "package a\n"}, "", "is not a package main", "func main"},
		{"an empty folder", nil, "", "holds neither Go files nor a bootstrap", "package main"},
		{"an empty folder, by go", nil, MethodGo, "holds neither Go files nor a bootstrap", "package main"},
		{"tests only", map[string]string{"a_test.go": "package a\n"}, "", "holds neither Go files nor a bootstrap", "package main"},
		{"a bootstrap that is not executable", map[string]string{"bootstrap": "#!/bin/sh\n"}, "", "not executable", "chmod +x"},
		{"a makefile that is missing", map[string]string{"main.go": mainGo}, MethodMakefile, "has no Makefile", "build-Counter"},
		{"a makefile that writes nothing", map[string]string{"Makefile": "build-Counter:\n\ttrue\n"}, "", "has no bootstrap", "executable file"},
		{"a method nobody knows", map[string]string{"main.go": mainGo}, "esbuild", `the method "esbuild"`, MethodGo},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := spec(t, source(t, test.files))
			s.Method = test.method
			_, err := Build(t.Context(), s)
			e, ok := errors.AsType[*SourceError](err)
			if !ok {
				t.Fatalf("got %v, want a *SourceError", err)
			}
			if !strings.Contains(e.Error(), test.want) || !strings.Contains(e.Hint(), test.hint) {
				t.Errorf("got %q, hint %q; want %q, hint %q", e, e.Hint(), test.want, test.hint)
			}
			if got := left(t, s.Cache); len(got) != 0 {
				t.Errorf("left in the cache: %q", got)
			}
		})
	}
}

func TestMissingFolder(t *testing.T) {
	_, err := Build(t.Context(), Spec{ID: "Counter", Source: filepath.Join(t.TempDir(), "gone"), Cache: t.TempDir()})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want one that says the folder does not exist", err)
	}
}

func TestFinishedCodeIsUsedAsItIs(t *testing.T) {
	s := spec(t, source(t, map[string]string{"bootstrap*": "#!/bin/sh\n", "Makefile": "build-Counter:\n\tfalse\n"}))
	a := build(t, s)
	if a.Dir != s.Source {
		t.Errorf("got %s, want the source itself, %s", a.Dir, s.Source)
	}
}

func TestMakefileFillsTheFolder(t *testing.T) {
	s := spec(t, source(t, map[string]string{
		"Makefile": "build-Counter:\n\tcp run.sh $(ARTIFACTS_DIR)/bootstrap\n\tcp data.txt $(ARTIFACTS_DIR)/\n",
		"run.sh*":  "#!/bin/sh\n", "data.txt": "data",
	}))
	s.Method = MethodMakefile
	a := build(t, s)
	info, err := os.Stat(filepath.Join(a.Dir, "data.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o644 {
		t.Errorf("data.txt has mode %o, want 644: an environment runs as another user", got)
	}
}

func TestLinkOutOfThePackageIsRefused(t *testing.T) {
	s := spec(t, source(t, map[string]string{
		"Makefile": "build-Counter:\n\tcp run.sh $(ARTIFACTS_DIR)/bootstrap\n\tln -s /etc $(ARTIFACTS_DIR)/etc\n", "run.sh*": "#!/bin/sh\n",
	}))
	if a, err := Build(t.Context(), s); err == nil {
		t.Errorf("a package with a link to /etc was published as %s", a.Dir)
	}
}

func TestWithoutGo(t *testing.T) {
	s := spec(t, module(t, mainGo))
	t.Setenv("PATH", t.TempDir())
	_, err := Build(t.Context(), s)
	e, ok := errors.AsType[*ToolError](err)
	if !ok || e.Tool != "go" || !strings.Contains(e.Hint(), "https://go.dev/dl") {
		t.Errorf("got %v, want a *ToolError that says where Go is from", err)
	}
}

func TestProgressIsToldAndNotKept(t *testing.T) {
	s := spec(t, module(t, mainGo))
	bin := source(t, map[string]string{"go*": "#!/bin/sh\necho 'go: downloading example.com/dep v1.0.0' >&2\necho './main.go:1:1: wrong' >&2\nexit 1\n"})
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	var told []string
	s.Progress = func(line string) { told = append(told, line) }
	_, err := Build(t.Context(), s)
	if err == nil || err.Error() != "./main.go:1:1: wrong" {
		t.Errorf("the error is %v", err)
	}
	if !slices.Equal(told, []string{"go: downloading example.com/dep v1.0.0"}) {
		t.Errorf("told %q", told)
	}
}

func TestCancelStopsTheToolAndAllItStarted(t *testing.T) {
	s := spec(t, module(t, mainGo))
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// The tool and its child hold the fifo open. The child, as a job of a shell
	// that nobody types into, ignores the interrupt that ends the tool.
	script := "#!/bin/sh\nexec 9>" + fifo + "\nsleep 1000 >/dev/null 2>&1 &\necho \"go: downloading x\" >&2\nwait\n"
	t.Setenv("PATH", source(t, map[string]string{"go*": script})+":"+os.Getenv("PATH"))

	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the user left")
	s.Progress = func(string) { cancel(gone) }
	var end []byte
	var wg sync.WaitGroup
	wg.Go(func() {
		f, err := os.Open(fifo) // until the tool opens it too
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		end, err = io.ReadAll(f) // until nobody has it open any more
		if err != nil {
			t.Error(err)
		}
	})
	_, err := Build(ctx, s)
	if !errors.Is(err, gone) {
		t.Errorf("got %v, want the cause of the context's end", err)
	}
	wg.Wait()
	if len(end) != 0 {
		t.Errorf("the fifo held %q", end)
	}
	if got := left(t, s.Cache); len(got) != 0 {
		t.Errorf("left in the cache: %q", got)
	}
}

func TestWhatAKilledBuildLeftIsRemoved(t *testing.T) {
	s := spec(t, module(t, mainGo))
	a := build(t, s)
	place := filepath.Dir(a.Dir)
	if err := os.MkdirAll(filepath.Join(place, workPrefix+"killed", "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	build(t, s)
	if got := left(t, s.Cache); !slices.Equal(got, []string{a.Dir}) {
		t.Errorf("left in the cache: %q, want only %s", got, a.Dir)
	}
}

func TestADamagedArtifactIsMadeAgain(t *testing.T) {
	s := spec(t, module(t, mainGo))
	a := build(t, s)
	if err := os.Truncate(filepath.Join(a.Dir, bootstrap), 0); err != nil {
		t.Fatal(err)
	}
	build(t, s)
	if out, err := exec.Command(filepath.Join(a.Dir, bootstrap)).CombinedOutput(); err != nil || string(out) != "one\n" {
		t.Errorf("bootstrap wrote %q, %v", out, err)
	}
}

func TestContentsTellFoldersApart(t *testing.T) {
	folders := map[string]map[string]string{
		"a":                   {"a": "1"},
		"another name":        {"b": "1"},
		"other bytes":         {"a": "2"},
		"executable":          {"a*": "1"},
		"bytes moved":         {"a": "", "b": "1"},
		"a name in the bytes": {"a": "11:b"},
		"nested":              {"a/a": "1"},
	}
	seen := map[string]string{}
	for name, files := range folders {
		dir := source(t, files)
		if err := openToAll(dir); err != nil {
			t.Fatal(err)
		}
		sum, err := contents(dir)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q have the same name", name, other)
		}
		seen[sum] = name
	}
}

func BenchmarkBuildOfUnchangedSource(b *testing.B) {
	dir := b.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/fn\n\ngo 1.26\n", "main.go": mainGo} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	s := Spec{ID: "Counter", Template: dir, Source: dir, Cache: b.TempDir()}
	for b.Loop() {
		a, err := Build(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		a.Close()
	}
}
