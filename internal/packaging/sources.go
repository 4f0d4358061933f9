package packaging

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Sources returns the folders whose files a function is built from: CodeUri with
// all that is below it, and the folders of the packages that it imports from its
// own module or workspace. They are absolute, sorted, and each stands there once.
func Sources(ctx context.Context, spec Spec) ([]string, error) {
	root, err := filepath.Abs(spec.Source)
	if err != nil {
		return nil, fmt.Errorf("find the sources of %s: %w", spec.ID, err)
	}
	var dirs []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return err
		case path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return filepath.SkipDir
		}
		dirs = append(dirs, path)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find the sources of %s: %w", spec.ID, err)
	}
	// A function that doesn't build, or is no Go at all, has only its own folder.
	list := exec.CommandContext(ctx, "go", "list", "-e", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}", ".")
	list.Dir = root
	out, err := list.Output()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil {
		for line := range bytes.Lines(out) {
			if dir := string(bytes.TrimSpace(line)); dir != "" {
				dirs = append(dirs, dir)
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), nil
}
