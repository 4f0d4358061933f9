// Package count is how a twin tells what its process has allocated.
package count

import (
	"runtime"
	"strconv"
)

// Heap is what has been allocated since the process started, as "objects bytes".
func Heap() string {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return strconv.FormatUint(m.Mallocs, 10) + " " + strconv.FormatUint(m.TotalAlloc, 10)
}
