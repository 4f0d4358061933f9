// Package count is how a twin tells what its process has allocated.
package count

import "runtime"

// Objects is the number of heap objects allocated since the process started.
func Objects() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
