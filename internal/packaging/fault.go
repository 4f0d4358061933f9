package packaging

import (
	"fmt"
	"strings"
)

// CompileError is source that does not build. Its text is what the tool wrote.
type CompileError struct {
	ID     string
	Dir    string // where the tool ran; the file names in Output are relative to it
	Output string
	Err    error // how the tool ended
}

func (e *CompileError) Error() string {
	if out := strings.TrimRight(e.Output, "\n"); out != "" {
		return out
	}
	return fmt.Sprintf("build %s: %v", e.ID, e.Err)
}

func (e *CompileError) Unwrap() error { return e.Err }

// ToolError is a tool that this machine doesn't have.
type ToolError struct {
	Tool string // "go"
	Err  error
}

func (e *ToolError) Error() string {
	return fmt.Sprintf("the command %q, which builds the function, is not here: %v", e.Tool, e.Err)
}

func (e *ToolError) Unwrap() error { return e.Err }

// Hint says where to get the tool.
func (e *ToolError) Hint() string {
	if e.Tool == "go" {
		return "install Go from https://go.dev/dl, or put a finished bootstrap where CodeUri points"
	}
	return "install " + e.Tool
}

// SourceError is a folder that there is nothing to build of.
type SourceError struct {
	ID, Dir string
	Problem string // "has no bootstrap"
	Fix     string // may be empty
	Err     error  // the cause, or nil
}

func (e *SourceError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("build %s: %s %s: %v", e.ID, e.Dir, e.Problem, e.Err)
	}
	return fmt.Sprintf("build %s: %s %s", e.ID, e.Dir, e.Problem)
}

func (e *SourceError) Unwrap() error { return e.Err }

// Hint is what to do about it.
func (e *SourceError) Hint() string { return e.Fix }
