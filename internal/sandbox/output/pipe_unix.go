//go:build unix

// Package output is the pipe through which a process tree's stdout and stderr
// reach Berth.
//
// Both go into one pipe, so that they keep their order, and Berth holds the
// writing end too: what it writes comes out behind everything that the tree has
// written before. The package knows nothing of lines or logs.
package output

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A Pipe is both ends. Read is for one reader; the other methods are safe for
// concurrent use.
type Pipe struct {
	r        *os.File
	released atomic.Bool

	mu sync.Mutex // guards w
	w  *os.File   // nil after Release
}

// New makes a pipe. To have both descriptors closed, call [Pipe.Release] and read
// to the end, or call [Pipe.Close].
func New() (*Pipe, error) {
	var fds [2]int
	syscall.ForkLock.RLock()
	err := syscall.Pipe(fds[:])
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("make the output pipe: %w", err)
	}
	// Only the reading end is for the poller. The mode belongs to what the
	// descriptors stand for: programs do not expect a stdout that won't block.
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		return nil, errors.Join(err, syscall.Close(fds[0]), syscall.Close(fds[1]))
	}
	return &Pipe{r: os.NewFile(uintptr(fds[0]), "output"), w: os.NewFile(uintptr(fds[1]), "output")}, nil
}

// Writer is the end that the tree gets as stdout and stderr; nil after Release.
// It stays the pipe's: don't close it.
func (p *Pipe) Writer() *os.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.w
}

// Mark writes token behind all that was written so far. It waits while the pipe
// is full, which ends when the reader reads or the reader's end is closed. Up to
// 512 bytes, the least that POSIX calls PIPE_BUF, are never torn apart.
func (p *Pipe) Mark(token []byte) error {
	if len(token) > 512 {
		return fmt.Errorf("mark the output: %d bytes are more than 512", len(token))
	}
	w := p.Writer()
	if w == nil {
		return fmt.Errorf("mark the output: %w", os.ErrClosed)
	}
	if _, err := w.Write(token); err != nil {
		return fmt.Errorf("mark the output: %w", err)
	}
	return nil
}

// Read gives what was written. Its end is io.EOF: when every writing end is
// closed, or after Release when the pipe is empty, even if a process that nobody
// could find still holds it. The reading end is closed with that.
func (p *Pipe) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) && p.released.Load() {
		n, err = p.readNow(b)
	}
	switch {
	case errors.Is(err, os.ErrClosed):
		err = io.EOF
	case err == io.EOF:
		err = errors.Join(p.r.Close())
		if err == nil {
			err = io.EOF
		}
	}
	return n, err
}

// readNow reads what lies in the pipe, past the deadline that woke the reader.
func (p *Pipe) readNow(b []byte) (n int, err error) {
	raw, err := p.r.SyscallConn()
	if err != nil {
		return 0, err
	}
	if cerr := raw.Control(func(fd uintptr) {
		for {
			if n, err = syscall.Read(int(fd), b); err != syscall.EINTR {
				return
			}
		}
	}); cerr != nil {
		return 0, cerr
	}
	if n <= 0 {
		return 0, io.EOF // empty, closed, or nothing there that could still come
	}
	return n, nil
}

// Release closes the writing end and lets the reader come to its end. It may be
// called again.
func (p *Pipe) Release() error {
	p.mu.Lock()
	w := p.w
	p.w = nil
	p.mu.Unlock()
	if w == nil {
		return nil
	}
	// First wake a reader that still waits: once the writing end is closed, it may
	// come to its end by itself, and close what is to be woken.
	p.released.Store(true)
	err := p.r.SetReadDeadline(time.Unix(1, 0))
	return errors.Join(err, w.Close())
}

// Close closes both ends at once: for a pipe that nobody will read.
func (p *Pipe) Close() error {
	err := p.Release()
	if rerr := p.r.Close(); rerr != nil && !errors.Is(rerr, os.ErrClosed) {
		err = errors.Join(err, rerr)
	}
	return err
}
