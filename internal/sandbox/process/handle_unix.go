//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/output"
	"github.com/berthdev/berth/internal/sandbox/thread"
)

// process is the hold on one process tree: it is its sandbox.Handle. One goroutine
// waits for the thread that starts the main process and stays with it, and then
// clears away what is left; Release waits for it.
type process struct {
	dir      string
	out      *output.Pipe
	group    *cgroup.Group
	listener net.Listener
	running  bool
	pid      int

	done chan struct{} // closed when the tree is gone
	exit sandbox.Exit  // valid then

	mu     sync.Mutex
	reaped bool // pid may be somebody else's
	peak   int64

	releaseOnce sync.Once
	releaseErr  error
}

func (p *process) tmp() string { return filepath.Join(p.dir, "tmp") }

// spawn starts the tree on a thread that stays until the tree has ended: on
// Linux a process can die with the one that started it, but what the kernel
// watches is the thread.
func (p *process) spawn(argv, env []string, spec sandbox.Spec, restrict func() error) error {
	started := make(chan error, 1)
	p.running = true
	go func() { // Release waits for done
		defer close(p.done)
		var status syscall.WaitStatus
		var err error
		thread.Run(func() {
			p.pid, err = p.fork(argv, env, spec, restrict)
			started <- err
			if err == nil {
				status = p.reap()
			}
		})
		if err == nil {
			p.exit = p.clearAway(status)
		}
	}()
	err := <-started
	if _, ok := errors.AsType[*restrictError](err); ok {
		return err
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) {
		return fmt.Errorf("start a process: %w", err)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return &sandbox.StartError{Command: spec.Command[0], Err: errno}
	}
	return err
}

// restrictError keeps what Restrict says from being taken for the command's fault.
type restrictError struct{ err error }

func (e *restrictError) Error() string { return e.err.Error() }
func (e *restrictError) Unwrap() error { return e.err }

// reap waits for the main process.
func (p *process) reap() (status syscall.WaitStatus) {
	awaitEnd(p.pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if _, err := syscall.Wait4(p.pid, &status, 0, nil); err != syscall.EINTR {
			break
		}
	}
	p.reaped = true
	return status
}

// clearAway ends what is left when the main process is gone.
func (p *process) clearAway(status syscall.WaitStatus) sandbox.Exit {
	exit := sandbox.Exit{Code: status.ExitStatus()}
	if status.Signaled() {
		exit = sandbox.Exit{Signal: status.Signal()}
	}
	// The group keeps its number while one member lives.
	for wait := 100 * time.Microsecond; p.killRest() && wait < 10*time.Second; wait *= 2 {
		time.Sleep(wait)
	}
	exit.OutOfMemory = exit.Signal == syscall.SIGKILL && p.group.OutOfMemory()
	return exit
}

// killRest kills what is left when the main process is gone, and says whether
// there was anything.
func (p *process) killRest() bool {
	left := syscall.Kill(-p.pid, syscall.SIGKILL) == nil && groupLives(p.pid)
	if p.group != nil {
		if pids, err := p.group.Processes(); err == nil && len(pids) > 0 {
			_ = p.group.Kill(context.Background()) // tried again, by the caller
			left = true
		}
		return left
	}
	n, err := KillAll(p.tmp())
	return left || err == nil && n > 0
}

func (p *process) Mark(token []byte) error { return p.out.Mark(token) }

func (p *process) Terminate() error { return p.signal(p.pid, syscall.SIGTERM) }

// signal sends to a process, or to its group where the number is negative,
// unless the main process has been waited for.
func (p *process) signal(to int, sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid == 0 || p.reaped {
		return nil
	}
	if err := syscall.Kill(to, sig); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("signal process %d: %w", to, err)
	}
	return nil
}

// Freeze stops the process group, and those who have left it as far as the cgroup
// knows them.
func (p *process) Freeze() error { return p.signalAll(syscall.SIGSTOP) }

func (p *process) Thaw() error { return p.signalAll(syscall.SIGCONT) }

func (p *process) signalAll(sig syscall.Signal) error {
	if err := p.signal(-p.pid, sig); err != nil {
		return err
	}
	pids, err := p.group.Processes()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // released
	}
	for _, pid := range pids {
		if e := syscall.Kill(pid, sig); e != nil && e != syscall.ESRCH {
			err = errors.Join(err, fmt.Errorf("signal process %d: %w", pid, e))
		}
	}
	return err
}

// Kill ends the process group; the goroutine ends the rest when it sees the
// main process gone.
func (p *process) Kill() error { return p.signal(-p.pid, syscall.SIGKILL) }

func (p *process) Wait() sandbox.Exit {
	<-p.done
	return p.exit
}

// PeakMemory is the cgroup's; without one, the most that the main process has
// had in memory at once.
func (p *process) PeakMemory() (bytes int64, ok bool) {
	n, ok := p.group.PeakMemory()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok && !p.reaped {
		n, ok = highWater(p.pid)
	}
	if ok {
		p.peak = max(p.peak, n)
	}
	return p.peak, p.peak > 0
}

// Release ends what runs and gives everything back.
func (p *process) Release() error {
	p.releaseOnce.Do(func() { p.releaseErr = p.release() })
	return p.releaseErr
}

func (p *process) release() error {
	errs := []error{p.Kill()}
	<-p.done
	if p.listener != nil {
		if err := p.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if p.out != nil {
		errs = append(errs, p.out.Release())
	}
	p.PeakMemory() // for those who ask later
	errs = append(errs, p.group.Remove(), os.RemoveAll(p.dir))
	return errors.Join(errs...)
}

var (
	_ sandbox.Handle  = (*process)(nil)
	_ sandbox.Freezer = (*process)(nil)
)
