//go:build unix && !linux

package process

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
)

// fork starts the command in its process group.
func (p *process) fork(argv, env []string, spec sandbox.Spec, restrict func() error) (pid int, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	if err := restrict(); err != nil {
		return 0, errors.Join(&restrictError{err}, null.Close())
	}
	w := p.out.Writer().Fd()
	pid, err = syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir: spec.TaskDir, Env: env, Files: []uintptr{null.Fd(), w, w},
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	return pid, errors.Join(err, null.Close())
}

// limitProcess leaves the user's own limits: one process can't set another's here.
func limitProcess(int) error { return nil }

// awaitEnd waits until pid has ended and leaves it to be taken away.
func awaitEnd(pid int) {
	queue, err := unix.Kqueue()
	if err != nil {
		return // Wait4, which follows, waits too, under the lock
	}
	defer unix.Close(queue)
	var change, event [1]unix.Kevent_t
	unix.SetKevent(&change[0], pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	change[0].Fflags = unix.NOTE_EXIT
	for {
		if _, err := unix.Kevent(queue, change[:], event[:], nil); err != unix.EINTR {
			return
		}
	}
}

// groupLives is what the kernel has said already.
func groupLives(int) bool { return true }

// highWater gives no figure rather than an estimate.
func highWater(int) (int64, bool) { return 0, false }

// KillAll finds nothing on this system, which does not show a process's
// environment. What Berth leaves behind when it is killed ends by itself when it
// asks its Runtime API for the next invocation.
func KillAll(string) (int, error) { return 0, nil }
