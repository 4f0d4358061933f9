//go:build unix

package packaging

import (
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestBuildForAnArchitecture(t *testing.T) {
	dir := module(t, mainGo)
	for architecture, machine := range map[string]elf.Machine{X8664: elf.EM_X86_64, ARM64: elf.EM_AARCH64} {
		s := spec(t, dir)
		s.Architecture = architecture
		f, err := elf.Open(filepath.Join(build(t, s).Dir, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != machine {
			t.Errorf("for %s the bootstrap is a program for %v", architecture, f.Machine)
		}
		f.Close()
	}
}

func TestFinishedCodeForAnotherArchitecture(t *testing.T) {
	s := spec(t, module(t, mainGo))
	s.Architecture = ARM64
	finished := Spec{ID: "F", Source: build(t, s).Dir, Finished: true, Architecture: X8664}
	_, err := Build(t.Context(), finished)
	var wrong *ArchitectureError
	if !errors.As(err, &wrong) || wrong.Have != ARM64 || wrong.Want != X8664 || wrong.Hint() == "" {
		t.Errorf("got %v", err)
	}
	finished.Architecture = ARM64
	if _, err := Build(t.Context(), finished); err != nil {
		t.Error(err)
	}
}

func TestArchitectureOfABootstrap(t *testing.T) {
	tests := []struct {
		name, contents string
		have           string // "" if it is accepted
	}{
		{"a script runs on any machine", "#!/bin/sh\nexec true\n# and a line that makes it as long as a program's head is\n", ""},
		{"a short script", "#!", ""},
		{"a program for macOS", "\xcf\xfa\xed\xfe" + string(make([]byte, 100)), "another operating system"},
		{"a program for Windows", "MZ" + string(make([]byte, 100)), "another operating system"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(test.contents), 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := Build(t.Context(), Spec{ID: "F", Source: dir, Finished: true, Architecture: X8664})
			var wrong *ArchitectureError
			if errors.As(err, &wrong) != (test.have != "") || wrong != nil && wrong.Have != test.have {
				t.Errorf("got %v, want %q", err, test.have)
			}
		})
	}
}

func TestMakefileLearnsTheArchitecture(t *testing.T) {
	dir := source(t, map[string]string{
		"Makefile": "build-Counter:\n\t@printf '#!/bin/sh\\n# %s %s %s\\n' $$GOOS $$GOARCH $$CGO_ENABLED >$(ARTIFACTS_DIR)/bootstrap\n\t@chmod +x $(ARTIFACTS_DIR)/bootstrap\n",
	})
	s := spec(t, dir)
	s.Architecture = ARM64
	text, err := os.ReadFile(filepath.Join(build(t, s).Dir, "bootstrap"))
	if want := "#!/bin/sh\n# linux arm64 0\n"; err != nil || string(text) != want {
		t.Errorf("the Makefile wrote %q, %v; want %q", text, err, want)
	}
}

func TestExport(t *testing.T) {
	dir := module(t, mainGo)
	a := build(t, spec(t, dir))
	out := filepath.Join(t.TempDir(), "out")
	for i, want := range []bool{true, false} {
		if changed, err := a.Export(out, "F"); err != nil || changed != want {
			t.Errorf("export %d: changed is %v, %v; want %v", i+1, changed, err, want)
		}
	}
	if err := checkBootstrap(Spec{ID: "F"}, filepath.Join(out, "F")); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(out, "F", "left-over"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := a.Export(out, "F"); err != nil || !changed {
		t.Errorf("over a folder that was changed: %v, %v", changed, err)
	}
	if _, err := os.Stat(filepath.Join(out, "F", "left-over")); err == nil {
		t.Error("a file of an earlier build is still there")
	}
}

// TestExportKeepsTheUsersFiles holds that a mistyped --out costs nothing.
func TestExportKeepsTheUsersFiles(t *testing.T) {
	dir := module(t, mainGo)
	a := build(t, spec(t, dir))
	var occupied *OccupiedError
	if _, err := a.Export(dir, "main.go"); !errors.As(err, &occupied) || occupied.Hint() == "" {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "main.go")); err != nil || string(text) != mainGo {
		t.Errorf("the source is %q, %v", text, err)
	}
}
