package packaging

import (
	"fmt"
	"strings"
)

// Limits of a function's code, in bytes.
// Source: AWS Lambda developer guide, gettingstarted-limits.
const (
	MaxZip      = 52_428_800  // of a zip that is sent to Lambda itself; through S3 it may be larger
	MaxUnzipped = 262_144_000 // of the code and its layers together, unpacked
)

// SizeError is code that is larger than Lambda takes.
type SizeError struct {
	Bytes   int64    // unpacked
	Largest []string // at most three files that make most of it, with their sizes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("the code has %d bytes unpacked; Lambda takes at most %d. The largest: %s",
		e.Bytes, MaxUnzipped, strings.Join(e.Largest, ", "))
}

// Hint is what to do about it.
func (e *SizeError) Hint() string {
	return "leave out what the function does not read, or keep it in S3 and read it at init"
}
