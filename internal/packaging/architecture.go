package packaging

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// The architectures of Lambda, by its names for them.
// Source: AWS Lambda API reference, CreateFunction.
const (
	X8664 = "x86_64"
	ARM64 = "arm64"
)

// Architectures are the names above.
func Architectures() []string { return []string{ARM64, X8664} }

// goArch is what the Go toolchain calls an architecture.
func goArch(architecture string) string {
	if architecture == X8664 {
		return "amd64"
	}
	return architecture
}

// ArchitectureError is a bootstrap that Lambda could not run. There it would
// show at the first invocation only.
type ArchitectureError struct {
	ID, File string
	Want     string // "arm64"
	Have     string // "x86_64", or what the file says of itself
}

func (e *ArchitectureError) Error() string {
	return fmt.Sprintf("build %s: %s is for %s, and the function for %s", e.ID, e.File, e.Have, e.Want)
}

// Hint is what to do about it.
func (e *ArchitectureError) Hint() string {
	if slices.Contains(Architectures(), e.Have) {
		return "Architectures: [" + e.Have + "] in the template, or --arch " + e.Have + ", or build it for linux/" + goArch(e.Want)
	}
	return "build it for linux/" + goArch(e.Want)
}

// checkArchitecture reads for which machine the bootstrap was built. A script
// runs on any.
func checkArchitecture(spec Spec, dir string) error {
	if spec.Architecture == "" {
		return nil
	}
	file := filepath.Join(dir, bootstrap)
	f, err := elf.Open(file)
	var malformed *elf.FormatError
	switch {
	case errors.As(err, &malformed):
		if head := make([]byte, 4); readHead(file, head) && isForeign(head) {
			return &ArchitectureError{ID: spec.ID, File: file, Want: spec.Architecture, Have: "another operating system"}
		}
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil // shorter than the head of a program: a script
	case err != nil:
		return fmt.Errorf("build %s: %w", spec.ID, err)
	}
	defer f.Close()
	have := strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_"))
	switch f.Machine {
	case elf.EM_X86_64:
		have = X8664
	case elf.EM_AARCH64:
		have = ARM64
	}
	if have != spec.Architecture {
		return &ArchitectureError{ID: spec.ID, File: file, Want: spec.Architecture, Have: have}
	}
	return nil
}

// isForeign tells the programs of macOS and Windows by their first bytes.
func isForeign(head []byte) bool {
	switch string(head) {
	case "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xca\xfe\xba\xbe":
		return true
	}
	return string(head[:2]) == "MZ"
}
