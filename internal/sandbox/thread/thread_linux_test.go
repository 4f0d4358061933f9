package thread

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNeverOnTheFirstThread(t *testing.T) {
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			Run(func() {
				if unix.Gettid() == unix.Getpid() {
					t.Error("it runs on the process's first thread")
				}
			})
		})
	}
	wg.Wait()
}

func TestTheThreadEnds(t *testing.T) {
	var tid int
	Run(func() { tid = unix.Gettid() })
	// It ends a moment after Run has returned: the runtime has work left on it.
	for {
		if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(tid)); os.IsNotExist(err) {
			return
		}
		runtime.Gosched()
	}
}
