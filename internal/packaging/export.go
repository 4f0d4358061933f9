package packaging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// mark is the file by which a folder is known to be Berth's to write to. It keeps
// the folder out of Git, too.
const (
	markName = ".gitignore"
	markText = "# Written by berth build, which replaces what is in here.\n*\n"
)

// OccupiedError is a folder that Berth would have to overwrite and did not make.
type OccupiedError struct{ Dir string }

func (e *OccupiedError) Error() string {
	return e.Dir + " holds files that berth build did not write"
}

// Hint is what to do about it.
func (e *OccupiedError) Hint() string { return "--out with a folder that is new or empty" }

// Export puts the artifact at dir/name, in place of an earlier one. dir is made if
// it is not there; one that holds anything that Export did not write is an
// *OccupiedError. changed is false if the same contents were there already.
func (a *Artifact) Export(dir, name string) (changed bool, err error) {
	if err := claim(dir); err != nil {
		return false, err
	}
	target := filepath.Join(dir, name)
	want, err := contents(a.Dir)
	if err != nil {
		return false, fmt.Errorf("export %s: %w", name, err)
	}
	if have, err := contents(target); err == nil && have == want {
		return false, nil
	}
	work, err := os.MkdirTemp(dir, workPrefix)
	if err != nil {
		return false, fmt.Errorf("export %s: %w", name, err)
	}
	defer os.RemoveAll(work)
	fresh := filepath.Join(work, "new")
	err = errors.Join(os.CopyFS(fresh, os.DirFS(a.Dir)), openToAll(fresh))
	if err != nil {
		return false, fmt.Errorf("export %s: %w", name, err)
	}
	// The earlier one is moved aside, and not removed in place: a reader finds
	// the one or the other.
	if err := os.Rename(target, filepath.Join(work, "old")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("export %s: %w", name, err)
	}
	if err := os.Rename(fresh, target); err != nil {
		return false, fmt.Errorf("export %s: %w", name, err)
	}
	return true, nil
}

// claim makes dir a folder of Berth's.
func claim(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder for the build: %w", err)
	}
	mark := filepath.Join(dir, markName)
	if text, err := os.ReadFile(mark); err == nil && string(text) == markText {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("make the folder for the build: %w", err)
	}
	if len(entries) > 0 {
		return &OccupiedError{Dir: dir}
	}
	return os.WriteFile(mark, []byte(markText), 0o644)
}
