//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
)

// bench needs the processor time and the memory of another process, as Linux
// tells them.
func bench(context.Context, []string, io.Writer, io.Writer) error {
	return errors.New("the comparison needs Linux")
}
