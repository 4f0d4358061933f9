// Package thread runs something on a thread that may be spoilt for all else.
package thread

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Run runs f on a thread of its own, which ends with f, and returns when f has.
// What f does to the thread (rights, filters, cgroups) is nobody else's then.
//
// The thread is never the process's first: that one does not end, and what /proc
// and version 1 of cgroups say of a process is what they know of its first thread.
func Run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			Run(f) // on another, since this one is held meanwhile
			runtime.UnlockOSThread()
			return
		}
		f() // never unlocked: the thread ends with this goroutine
	}()
	<-done
}
