//go:build unix

package packaging

import (
	"fmt"
	"os"
	"syscall"
)

// lockKind is how a lock is taken.
type lockKind int

const (
	shared       lockKind = syscall.LOCK_SH
	exclusive    lockKind = syscall.LOCK_EX
	exclusiveNow lockKind = syscall.LOCK_EX | syscall.LOCK_NB // an error if it can't be had at once
)

// lock is held on a file or folder until it is released or its process ends.
type lock struct{ f *os.File }

// acquire locks a file, which it makes if need be, or a folder.
func acquire(path string, kind lockKind) (*lock, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		f, err = os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o644)
	}
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), int(kind))
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &lock{f}, nil
}

func (l *lock) release() { l.f.Close() }
