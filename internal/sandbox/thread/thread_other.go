//go:build !linux

// Package thread runs something on a thread that may be spoilt for all else.
package thread

import "runtime"

// Run runs f on a thread of its own, which ends with f, and returns when f has.
func Run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		f()
	}()
	<-done
}
