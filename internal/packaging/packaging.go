// Package packaging makes, of the source of a function, the folder that its
// execution environments see as /var/task.
//
// [Build] decides how: by the Go toolchain, by the function's Makefile, or not at
// all when the code is finished. What it makes is an [Artifact], an immutable
// folder in the user's cache. The package knows nothing of templates or
// environments.
package packaging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Methods of building, as SAM's Metadata names them.
// Source: AWS SAM developer guide, building-custom-runtimes.
const (
	MethodAuto     = ""         // what the folder's contents ask for
	MethodGo       = "go1.x"    // go build
	MethodMakefile = "makefile" // make build-<ID>, which writes to $ARTIFACTS_DIR
)

// Spec is one function to build.
type Spec struct {
	ID       string // the function's logical ID
	Template string // the template's file; with ID it names the artifact's place in the cache
	Source   string // the folder that CodeUri names
	Method   string // one of the methods above
	Finished bool   // the code is used as it is, whatever the method says

	// Architecture is X8664 or ARM64: the code is for Lambda then, and not for this
	// machine. A Makefile learns it from GOOS, GOARCH and CGO_ENABLED.
	Architecture string

	Cache string // where artifacts are kept; empty means a folder in the user's cache

	// Progress is told what happens, one line at a time, from a goroutine of
	// Build's own; nil discards. It is not called any more when Build has returned.
	Progress func(line string)
}

// bootstrap is the file that an OS-only runtime runs.
// Source: AWS Lambda developer guide, runtimes-custom.
const bootstrap = "bootstrap"

// Build makes the folder of one function. It is safe for concurrent use, also by
// several processes and for the same function: each gets a whole artifact.
//
// The error is a *CompileError when the source is wrong, a *ToolError when a tool
// is missing, a *SourceError when the folder holds nothing to build, and an
// *ArchitectureError when what was built is for another machine. When ctx
// ends, the tools are stopped and what they wrote is removed. The tools get this
// process's environment, as if the user had typed them.
func Build(ctx context.Context, spec Spec) (*Artifact, error) {
	if spec.Progress == nil {
		spec.Progress = func(string) {}
	}
	method, err := choose(spec)
	if err != nil {
		return nil, err
	}
	if method == nil {
		return finished(spec)
	}
	p, err := openPlace(spec)
	if err != nil {
		return nil, err
	}
	work, err := p.work()
	if err != nil {
		return nil, err
	}
	defer work.discard()
	if err := method(ctx, spec, p, work); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("build %s: %w", spec.ID, context.Cause(ctx))
		}
		return nil, err
	}
	if err := check(spec, work.out); err != nil {
		return nil, err
	}
	return p.publish(work)
}

// builder fills work.out.
type builder func(ctx context.Context, spec Spec, p *place, work *work) error

// choose finds the builder for a folder; nil means that the code is finished.
func choose(spec Spec) (builder, error) {
	entries, err := os.ReadDir(spec.Source)
	if err != nil {
		return nil, &SourceError{ID: spec.ID, Dir: spec.Source, Problem: "can't be read", Err: err}
	}
	has := func(match func(name string) bool) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() && match(e.Name()) })
	}
	goFiles := has(func(name string) bool { return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") })
	makefile := has(func(name string) bool { return name == "Makefile" })
	ready := has(func(name string) bool { return name == bootstrap })
	switch {
	case spec.Finished || spec.Method != MethodMakefile && ready && !goFiles:
		return nil, nil
	case spec.Method == MethodMakefile || spec.Method == MethodAuto && makefile && !goFiles:
		if !makefile {
			return nil, &SourceError{ID: spec.ID, Dir: spec.Source, Problem: "has no Makefile",
				Fix: "add one with a target build-" + spec.ID + ", or set the build method to " + MethodGo}
		}
		return runMake, nil
	case spec.Method != MethodAuto && spec.Method != MethodGo:
		return nil, &SourceError{ID: spec.ID, Dir: spec.Source, Problem: fmt.Sprintf("can't be built by the method %q", spec.Method),
			Fix: "use " + MethodGo + " or " + MethodMakefile}
	case goFiles:
		return runGo, nil
	}
	return nil, &SourceError{ID: spec.ID, Dir: spec.Source, Problem: "holds neither Go files nor a bootstrap",
		Fix: "CodeUri names the folder with the function's package main"}
}

// finished takes a folder as it is.
func finished(spec Spec) (*Artifact, error) {
	if err := check(spec, spec.Source); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(spec.Source)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", spec.ID, err)
	}
	return &Artifact{Dir: dir}, nil
}

// check asks for what a package needs.
func check(spec Spec, dir string) error {
	if err := checkBootstrap(spec, dir); err != nil {
		return err
	}
	return checkArchitecture(spec, dir)
}

// checkBootstrap asks for what Lambda would ask for at the first invocation.
func checkBootstrap(spec Spec, dir string) error {
	info, err := os.Stat(filepath.Join(dir, bootstrap))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &SourceError{ID: spec.ID, Dir: dir, Problem: "has no bootstrap", Fix: "the build writes an executable file of that name"}
	case err != nil:
		return &SourceError{ID: spec.ID, Dir: dir, Problem: "has no readable bootstrap", Err: err}
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return &SourceError{ID: spec.ID, Dir: dir, Problem: "has a bootstrap that is not executable",
			Fix: "chmod +x " + filepath.Join(dir, bootstrap)}
	}
	return nil
}
