package template

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// names are the files that are taken for the template of a folder, best first.
var fileNames = []string{"template.yaml", "template.yml", "template.json"}

// NotFoundError says that there is no template where one was looked for, or more
// than one.
type NotFoundError struct {
	Path string   // the folder or file that was looked at
	Near []string // templates close by

	several bool  // whether each of Near could be meant
	cause   error // why the path could not be looked at, or nil
}

func (e *NotFoundError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("no template: %v", e.cause)
	}
	if e.several {
		return fmt.Sprintf("%s holds the templates of %d stacks", e.Path, len(e.Near))
	}
	return fmt.Sprintf("no template in %s: there is none of %s", e.Path, strings.Join(fileNames, ", "))
}

func (e *NotFoundError) Unwrap() error { return e.cause }

// Hint names the templates that are near.
func (e *NotFoundError) Hint() string {
	if len(e.Near) > 0 {
		return strings.Join(e.Near, " or ")
	}
	return "name the template's file or its folder"
}

// Find is the template that a user means by path: a file, or a folder that holds
// template.yaml, template.yml or template.json, or that is or holds what "cdk
// synth" wrote for one stack. "" is the working directory. The error is a
// *NotFoundError if there is none.
func Find(path string) (file string, err error) {
	if path == "" {
		path = "."
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", &NotFoundError{Path: path, Near: near(filepath.Dir(path)), cause: err}
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return "", &NotFoundError{Path: path, cause: fmt.Errorf("%s is not a regular file", path)}
		}
		return path, nil
	}
	if file := in(path); file != "" {
		return file, nil
	}
	for _, dir := range []string{path, filepath.Join(path, "cdk.out")} {
		switch stacks := assembly(dir); len(stacks) {
		case 0:
		case 1:
			return stacks[0], nil
		default:
			return "", &NotFoundError{Path: dir, Near: stacks, several: true}
		}
	}
	return "", &NotFoundError{Path: path, Near: near(path)}
}

// in is the template of a folder, or "".
func in(dir string) string {
	for _, name := range fileNames {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// near lists at most three templates in the folders of dir, or above it.
func near(dir string) []string {
	var found []string
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if len(found) == 3 {
			return found
		}
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			if file := in(filepath.Join(dir, entry.Name())); file != "" {
				found = append(found, file)
			}
		}
	}
	if len(found) == 0 {
		if file := in(filepath.Join(dir, "..")); file != "" {
			found = append(found, file)
		}
	}
	return found
}
