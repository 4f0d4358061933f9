package namespace

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox/seccomp"
	"github.com/berthdev/berth/internal/sandbox/thread"
)

// stageName is the name under which Berth runs itself as a stage; it is also
// what people see in a list of processes.
const stageName = "berth-sandbox"

// Descriptors of a stage. 0, 1 and 2 are the function's: nothing, and twice the
// output. Those of the plan follow the control socket.
const (
	controlFD = 3
	firstFD   = 4
)

// Stage is called first in main, and in TestMain of tests that start sandboxes.
// It returns at once, unless Berth has started this process as the stage of an
// environment. Then it builds the walls from within, starts the command, and
// stays as the first process of the pid namespace, until the command or Berth
// ends; it never returns.
//
// A caller that does not call Stage gets an *sandbox.UnavailableError from its
// driver, because its stages run its own main instead.
func Stage() {
	if len(os.Args) != 1 || os.Args[0] != stageName {
		return
	}
	syscall.Exit(runStage()) // at once: nothing of the program's own has begun
}

// runStage is the life of the stage. Whatever it writes to stderr would be taken
// for the function's output, so it reports on the control socket alone.
func runStage() int {
	if err := unix.CloseRange(controlFD, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return 1
	}
	p, err := receivePlan()
	if err != nil {
		return sendFailure(step("receive the plan", err), false)
	}
	listener, err := p.build()
	if err != nil {
		return sendFailure(err, false)
	}
	if len(p.Command) == 0 {
		thread.Run(func() { err = p.giveUpRights() })
		if err != nil {
			return sendFailure(err, false)
		}
		if send(report{}) != nil {
			return 1
		}
		return 0
	}
	child, pidfd, err := p.launch()
	if err != nil {
		var failed *stepError
		return sendFailure(err, !errors.As(err, &failed))
	}
	fds := []int{pidfd}
	if listener >= 0 {
		fds = append(fds, listener)
	}
	if err := send(report{}, fds...); err != nil {
		return 1
	}
	for _, fd := range fds {
		if err := unix.Close(fd); err != nil {
			return 1
		}
	}
	if err := dropAllThreads(); err != nil {
		return 1
	}
	// The two ends that this process can come to. The goroutine's is the end of
	// the process, which is why nobody waits for it.
	go func() {
		obey(child)
		syscall.Exit(0)
	}()
	return reap(child)
}

// stepError says which of the walls could not be built.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

func step(what string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{what, err}
}

func receivePlan() (*plan, error) {
	// The length first, then the message.
	n, _, err := unix.Recvfrom(controlFD, nil, unix.MSG_PEEK|unix.MSG_TRUNC)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if n, _, err = unix.Recvfrom(controlFD, b, 0); err != nil {
		return nil, err
	}
	p := &plan{}
	return p, decode(b[:n], p)
}

func sendFailure(err error, command bool) int {
	r := report{Step: err.Error(), Command: command}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		r.Errno = uint32(errno)
	}
	if failed, ok := errors.AsType[*stepError](err); ok {
		r.Step = failed.step
	}
	_ = send(r) // the exit status says that it failed, whoever listens
	return 1
}

func send(r report, fds ...int) error {
	b, err := encode(r)
	if err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	return unix.Sendmsg(controlFD, b, rights, nil, unix.MSG_NOSIGNAL)
}

// build makes the walls that a process makes for itself, in the order in which
// each still has the rights that it needs. It returns the Runtime API's listener,
// or -1.
func (p *plan) build() (listener int, err error) {
	if p.ChangeID {
		if err := becomeSandboxUser(); err != nil {
			return -1, err
		}
	}
	// Nobody of the same user may look into this process: not its memory, not
	// its descriptors.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return -1, step("prctl dumpable", err)
	}
	if err := p.buildRoot(); err != nil {
		return -1, err
	}
	if p.Hostname != "" {
		if err := unix.Sethostname([]byte(p.Hostname)); err != nil {
			return -1, step("sethostname", err)
		}
	}
	listener = -1
	if p.Loopback {
		if listener, err = listenLoopback(); err != nil {
			return -1, err
		}
	}
	for _, l := range p.Limits {
		// The one of package syscall: it knows that the number of files was
		// meant, and doesn't put the old one back in front of exec.
		if err := syscall.Setrlimit(l.Resource, &syscall.Rlimit{Cur: l.Soft, Max: l.Max}); err != nil {
			return -1, step(fmt.Sprintf("setrlimit %d", l.Resource), err)
		}
	}
	unix.Umask(0o022)
	return listener, nil
}

// launch gives up every right and starts the command. An error that is no
// *stepError is the command's.
func (p *plan) launch() (child, pidfd int, err error) {
	// Not on the first thread: its memory is what a version 1 cgroup counts as
	// the process's, and the stage's is not the function's. The thread ends with
	// the goroutine, and leaves the cgroups with it.
	thread.Run(func() {
		if err = p.giveUpRights(); err != nil {
			return
		}
		pidfd = -1
		child, err = syscall.ForkExec(p.Command[0], p.Command, &syscall.ProcAttr{
			Dir:   "/var/task",
			Env:   p.Env,
			Files: []uintptr{0, 1, 2},
			Sys:   &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
		})
		switch {
		case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM):
			err = step("fork", err) // the machine's fault, not the command's
		case err == nil && pidfd < 0:
			err = step("pidfd", syscall.ENOSYS)
		}
	})
	return child, pidfd, err
}

// giveUpRights does to the calling thread what the command inherits from it.
func (p *plan) giveUpRights() error {
	first := firstFD
	if p.FolderFDs {
		first += len(p.Folders)
	}
	for fd := first; fd < first+p.Joins; fd++ {
		if _, err := unix.Write(fd, []byte("0")); err != nil {
			return step("join the cgroup", err)
		}
		if err := unix.Close(fd); err != nil {
			return step("join the cgroup", err)
		}
	}
	// After that, so that the group is the root of what it sees.
	if p.Cgroup {
		if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
			return step("make a cgroup namespace", err)
		}
	}
	if err := dropBounding(); err != nil {
		return err
	}
	if err := dropThread(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return step("prctl no_new_privs", err)
	}
	if p.Landlock {
		if err := secondWall(); err != nil {
			return step("landlock", err)
		}
	}
	if p.Filter != nil {
		return step("seccomp", seccomp.Install(p.Filter))
	}
	return nil
}

// obey does what Berth asks, until the socket ends.
func obey(child int) {
	var b [1]byte
	for {
		n, _, err := unix.Recvfrom(controlFD, b[:], 0)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || n == 0:
			return
		}
		switch b[0] {
		case cmdTerminate:
			// The child is there until it is reaped, and is reaped only at the
			// very end: its number is nobody else's.
			_ = unix.Kill(child, unix.SIGTERM)
		case cmdStop, cmdContinue:
			if unix.Getpid() != 1 {
				continue // -1 would be everybody
			}
			sig := map[byte]unix.Signal{cmdStop: unix.SIGSTOP, cmdContinue: unix.SIGCONT}[b[0]]
			_ = unix.Kill(-1, sig)
		}
	}
}

// reap buries whatever dies in the namespace until the command has ended, and
// reports how. What still runs then ends with this process.
func reap(child int) int {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 1
		case pid == child:
			if send(report{Ended: true, Status: uint32(status)}) != nil {
				return 1
			}
			return 0
		}
	}
}
