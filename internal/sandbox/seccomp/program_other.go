//go:build linux && !amd64 && !arm64

package seccomp

// Program refuses.
func Program(Scope) ([]byte, error) { return nil, ErrUnsupported }
