package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
)

// fork starts the command in its cgroup and its process group. The calling
// thread takes the way through the cgroup of version 1, because a child is born
// where the thread is, and comes back.
func (p *process) fork(argv, env []string, spec sandbox.Spec, restrict func() error) (pid int, err error) {
	var opened []*os.File
	defer func() {
		for _, f := range opened {
			err = errors.Join(err, f.Close())
		}
	}()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	opened = append(opened, null)
	sys := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	group, err := p.group.Dir()
	if err != nil {
		return 0, fmt.Errorf("open the cgroup: %w", err)
	}
	if group != nil {
		opened = append(opened, group)
		sys.UseCgroupFD, sys.CgroupFD = true, int(group.Fd())
	}
	back, err := p.group.Enter()
	if err != nil {
		return 0, err
	}
	w := p.out.Writer().Fd()
	if err := restrict(); err != nil {
		return 0, errors.Join(&restrictError{err}, back())
	}
	pid, err = syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir: spec.TaskDir, Env: env, Files: []uintptr{null.Fd(), w, w}, Sys: sys,
	})
	return pid, errors.Join(err, back())
}

// limitProcess sets the limits that don't come from cgroups, a moment after the
// command has started: they belong to the process, and Berth's own must stay.
func limitProcess(pid int) error {
	for _, l := range []struct {
		resource int
		limit    uint64
	}{
		{unix.RLIMIT_NOFILE, 1024}, // Source: AWS Lambda developer guide, gettingstarted-limits
		{unix.RLIMIT_CORE, 1},      // the value at which not even a host's program gets the memory
		{unix.RLIMIT_MEMLOCK, 65536},
	} {
		err := unix.Prlimit(pid, l.resource, &unix.Rlimit{Cur: l.limit, Max: l.limit}, nil)
		if err != nil && err != unix.ESRCH {
			return fmt.Errorf("limit process %d: %w", pid, err)
		}
	}
	return nil
}

// awaitEnd waits until pid has ended and leaves it to be taken away: its number
// stays its own until then.
func awaitEnd(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// groupLives says whether a process group has a member that is more than an entry
// that its parent has not taken away yet: orphans depend on the machine's first
// process for that, and in a container it may never come.
// Source: proc_pid_stat(5): state and pgrp follow the name in parentheses.
func groupLives(pgid int) bool {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return true
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(fields) > 2 && fields[2] == strconv.Itoa(pgid) && fields[0] != "Z" && fields[0] != "X" {
			return true
		}
	}
	return false
}

// highWater reads the largest resident set of one process.
// Source: proc_pid_status(5), VmHWM.
func highWater(pid int) (int64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kb << 10, err == nil
		}
	}
	return 0, false
}

// KillAll kills every process whose folder for temporary files is dir or lies in
// it, and says how many there were. It finds those that have left their process
// group and their parents: the environment that a process was started with goes
// on to its children. A process that hides it is not found.
func KillAll(dir string) (n int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, fmt.Errorf("look for processes: %w", err)
	}
	marker := []byte("\x00TMPDIR=" + dir)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil {
			continue // ended, or somebody else's
		}
		_, after, found := bytes.Cut(append([]byte{0}, env...), marker)
		if !found || len(after) > 0 && after[0] != 0 && after[0] != '/' {
			continue
		}
		if err := unix.Kill(pid, unix.SIGKILL); err == nil {
			n++
		}
	}
	return n, nil
}
