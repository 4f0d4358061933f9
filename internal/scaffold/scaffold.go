// Package scaffold writes new projects: a function, its test, a template and a
// README that run as they are.
//
// A [Project] says which and where. The package knows nothing of how they are
// built or run.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed projects
var projects embed.FS

// Kind is one kind of project.
type Kind struct {
	Name  string // "multitenant"
	Shows string // "one function for many tenants"
}

// Default is the kind that nobody has to ask for.
const Default = "multitenant"

// Kinds are all kinds, sorted by name.
func Kinds() []Kind {
	return []Kind{
		{"hello", "a typed event in, a typed answer out"},
		{"multitenant", "one function for many tenants, behind a REST API"},
		{"rest", "an http.Handler behind a REST API"},
		{"stream", "a response that arrives piece by piece, through a function URL"},
	}
}

// Project is what to write.
type Project struct {
	Dir          string // is made; if it is there, it must be empty
	Kind         string // one of Kinds; "" means Default
	Architecture string // "x86_64" or "arm64"

	// Library is the folder of the library on this machine, which the project
	// then uses by a replace in its go.mod; "" when Version can be had.
	Library string
	Version string // of the library, "v1.2.3"; "" with Library
}

// library is the module path of the library.
const library = "github.com/berthdev/berth/lambda"

// UnknownError says that there is no kind of project of a name.
type UnknownError struct{ Kind string }

func (e *UnknownError) Error() string { return fmt.Sprintf("there is no template %q", e.Kind) }

// Hint names the kinds.
func (e *UnknownError) Hint() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	return "--template with one of " + strings.Join(names, ", ")
}

// OccupiedError says that a project's folder holds something.
type OccupiedError struct{ Dir string }

func (e *OccupiedError) Error() string { return e.Dir + " is there already, and not empty" }

// Hint is what to do about it.
func (e *OccupiedError) Hint() string { return "another name, or an empty folder" }

// NameError says that a folder's name can't name a Go module.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%q can't name a Go module", e.Name)
}

// Hint is what can.
func (e *NameError) Hint() string {
	return "letters, digits, - and _, a letter first, such as " + Default
}

var moduleName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// Write writes a project and returns its files, relative to its folder and
// sorted. If it can't, the folder is left as it was. The error is one of those
// above when it is the user's to mend.
func (p Project) Write() (files []string, err error) {
	if p.Kind == "" {
		p.Kind = Default
	}
	if !slices.ContainsFunc(Kinds(), func(k Kind) bool { return k.Name == p.Kind }) {
		return nil, &UnknownError{Kind: p.Kind}
	}
	dir, err := filepath.Abs(p.Dir)
	if err != nil {
		return nil, fmt.Errorf("write the project: %w", err)
	}
	name := filepath.Base(dir)
	if !moduleName.MatchString(name) {
		return nil, &NameError{Name: name}
	}
	texts, err := p.render(name, captured(filepath.Dir(dir)))
	if err != nil {
		return nil, fmt.Errorf("write the project: %w", err)
	}
	made, err := claim(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err == nil {
			return
		}
		for file := range texts {
			os.Remove(filepath.Join(dir, filepath.FromSlash(file)))
		}
		os.Remove(filepath.Join(dir, "events"))
		if made {
			os.Remove(dir)
		}
	}()
	for file, text := range texts {
		target := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return nil, fmt.Errorf("write the project: %w", err)
		}
		if err := os.WriteFile(target, text, 0o644); err != nil {
			return nil, fmt.Errorf("write the project: %w", err)
		}
		files = append(files, file)
	}
	slices.Sort(files)
	return files, nil
}

// claim makes the project's folder; made is false if it was there, and empty.
func claim(dir string) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return false, fmt.Errorf("write the project: %w", err)
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("write the project: %w", err)
	case len(entries) > 0:
		return false, &OccupiedError{Dir: dir}
	}
	return false, nil
}

// render is the text of every file, by its name with slashes.
func (p Project) render(name string, workspace bool) (map[string][]byte, error) {
	root := path.Join("projects", p.Kind)
	texts := map[string][]byte{"go.mod": p.module(name), ".gitignore": []byte("/.berth/\n/.aws-sam/\n")}
	if workspace {
		texts["go.work"] = []byte("// A go.work above this folder would leave the project out.\ngo 1.26.0\n\nuse .\n")
	}
	values := struct{ Name, Architecture string }{name, p.Architecture}
	err := fs.WalkDir(projects, root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		t, err := template.ParseFS(projects, file)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, values); err != nil {
			return err
		}
		texts[strings.TrimSuffix(strings.TrimPrefix(file, root+"/"), ".tmpl")] = b.Bytes()
		return nil
	})
	return texts, err
}

// module is the project's go.mod.
func (p Project) module(name string) []byte {
	var b bytes.Buffer
	version := p.Version
	if p.Library != "" {
		version = "v0.0.0"
	}
	fmt.Fprintf(&b, "module %s\n\ngo 1.26.0\n\nrequire %s %s\n", name, library, version)
	if p.Library != "" {
		fmt.Fprintf(&b, "\nreplace %s => %s\n", library, quotePath(p.Library))
	}
	return b.Bytes()
}

// quotePath writes a path as go.mod has it.
func quotePath(p string) string {
	p = filepath.ToSlash(p)
	if strings.ContainsAny(p, " \t\"'`(),[]{}") || strings.Contains(p, "//") {
		return fmt.Sprintf("%q", p)
	}
	return p
}

// captured reports whether a go.work in dir or above it would speak for a module
// below dir.
func captured(dir string) bool {
	if os.Getenv("GOWORK") == "off" {
		return false
	}
	for {
		if info, err := os.Stat(filepath.Join(dir, "go.work")); err == nil && info.Mode().IsRegular() {
			return true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return false
		}
		dir = up
	}
}

// FindLibrary is the folder of the library in a checkout of Berth that holds one
// of the paths, which are absolute, or "".
func FindLibrary(paths ...string) string {
	for _, p := range paths {
		for dir := p; filepath.IsAbs(dir); {
			text, err := os.ReadFile(filepath.Join(dir, "lambda", "go.mod"))
			if err == nil && strings.HasPrefix(string(text), "module "+library+"\n") {
				return filepath.Join(dir, "lambda")
			}
			up := filepath.Dir(dir)
			if up == dir {
				break
			}
			dir = up
		}
	}
	return ""
}
