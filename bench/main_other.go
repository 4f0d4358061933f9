//go:build !linux

package main

import (
	"context"
	"errors"
)

// bench needs the processor time and the memory of another process, as Linux
// tells them.
func bench(context.Context, []string) error {
	return errors.New("the comparison needs Linux")
}
