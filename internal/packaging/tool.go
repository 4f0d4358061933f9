package packaging

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// platform is what the Go toolchain is to build for, as its own variables say it.
func platform(spec Spec) []string {
	if spec.Architecture == "" {
		return []string{"CGO_ENABLED=0", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}
	}
	return []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + goArch(spec.Architecture)}
}

// runGo compiles the package in the source folder.
//
// -buildvcs and -trimpath keep the state of the checkout and its place out of
// the binary, so that the same source gives the same bytes everywhere.
func runGo(ctx context.Context, spec Spec, p *place, work *work) error {
	out := filepath.Join(work.out, bootstrap)
	// go build leaves an output alone that is up to date already, which spares
	// the linker's time. So it starts from what was built last.
	p.copyLast(out)
	args := []string{"build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out, "."}
	env := append(platform(spec), "GOTMPDIR="+work.tmp)
	if err := run(ctx, spec, "go", args, env); err != nil {
		return err
	}
	// Of a package that is not main, go build makes an archive.
	if head := make([]byte, 7); readHead(out, head) && string(head) == "!<arch>" {
		return &SourceError{ID: spec.ID, Dir: spec.Source, Problem: "is not a package main",
			Fix: "CodeUri names the folder with the function's func main"}
	}
	return nil
}

func readHead(file string, head []byte) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	n, err := f.Read(head)
	return err == nil && n == len(head)
}

// runMake runs the target that SAM's method runs.
func runMake(ctx context.Context, spec Spec, _ *place, work *work) error {
	env := []string{"ARTIFACTS_DIR=" + work.out, "GOTMPDIR=" + work.tmp}
	if spec.Architecture != "" {
		env = append(env, platform(spec)...)
	}
	return run(ctx, spec, "make", []string{"build-" + spec.ID}, env)
}

// grace is how long a tool may take to clean up after it was told to stop.
const grace = 3 * time.Second

// run runs one tool in the source folder, telling its progress, and turns its
// failure into a CompileError with what it wrote. env is added to this process's.
func run(ctx context.Context, spec Spec, tool string, args, env []string) error {
	path, err := exec.LookPath(tool)
	if err != nil {
		return &ToolError{Tool: tool, Err: errors.Unwrap(err)}
	}
	output := &toolOutput{progress: spec.Progress}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = spec.Source
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = output, output // one writer: os/exec then writes from one goroutine
	cmd.WaitDelay = grace
	contain(cmd)

	// The kernel ends the tool with the thread that started it (see contain), so
	// the thread must be there as long as the tool.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	killGroup(cmd)
	output.flush()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return &CompileError{ID: spec.ID, Dir: spec.Source, Output: output.kept.String(), Err: err}
	case errors.Is(err, fs.ErrNotExist):
		return &ToolError{Tool: tool, Err: err}
	}
	return &CompileError{ID: spec.ID, Dir: spec.Source, Err: err}
}

// maxOutput bounds what is kept of a tool's output, in bytes.
const maxOutput = 1 << 20

// toolOutput keeps what a tool writes and hands on the lines that tell of
// progress. The latter are not kept: they say nothing of what went wrong.
type toolOutput struct {
	progress func(string)
	line     []byte // the unfinished one
	kept     bytes.Buffer
}

func (o *toolOutput) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		o.line = append(o.line, part...)
		rest = after
		if whole || len(o.line) > maxOutput {
			o.flush()
		}
	}
	return len(p), nil
}

func (o *toolOutput) flush() {
	if len(o.line) == 0 && o.kept.Len() == 0 {
		return
	}
	line := string(o.line)
	o.line = o.line[:0]
	if isProgress(line) {
		o.progress(line)
		return
	}
	if o.kept.Len()+len(line) < maxOutput {
		o.kept.WriteString(line + "\n")
	}
}

// isProgress tells what the go command says while all is well.
func isProgress(line string) bool {
	for _, prefix := range []string{"go: downloading ", "go: finding ", "go: extracting ", "go: upgraded ", "go: added "} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
