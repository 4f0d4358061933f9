// Package twin builds and runs the functions that are compared.
package twin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binary is a built function.
type Binary struct {
	Path string
	Size int64 // bytes, stripped
}

// Build compiles one of the packages below twins, as one would for Lambda:
// static, stripped, and without aws-lambda-go's old RPC mode.
// Source: AWS Lambda developer guide, golang-package.
func Build(ctx context.Context, pkg, dir string) (Binary, error) {
	path := filepath.Join(dir, filepath.Base(filepath.Dir(pkg))+"-"+filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return Binary{}, fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Binary{}, err
	}
	return Binary{Path: path, Size: info.Size()}, nil
}
