package lambda

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// noLeaks fails the test if it leaves a goroutine of this library behind, or a
// socket. It is to be called first, so that it looks last.
func noLeaks(t *testing.T) {
	t.Helper()
	before := descriptors(t)
	t.Cleanup(func() {
		// What ends a goroutine may be seen before its last instruction is done.
		deadline := time.Now().Add(5 * time.Second)
		for goroutines() != "" || descriptors(t) > before {
			if time.Now().After(deadline) {
				t.Errorf("%d sockets before, %d after; goroutines: %s", before, descriptors(t), goroutines())
				return
			}
			runtime.Gosched()
		}
	})
}

// goroutines returns the stacks of those that the library has started.
func goroutines() string {
	buf := make([]byte, 1<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "berth/lambda") && !strings.Contains(stack, "testing.tRunner(") && !strings.Contains(stack, "testing.(*M)") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

// descriptors counts the sockets that this process has open. Other files are the
// Go runtime's own, which it opens when it first needs them.
func descriptors(t *testing.T) (sockets int) {
	t.Helper()
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0 // only Linux tells
	}
	for _, e := range entries {
		if to, err := os.Readlink(dir + "/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			sockets++
		}
	}
	return sockets
}
