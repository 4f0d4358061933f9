// Package sandbox says what a driver is given to start an execution environment,
// and what it gives back.
//
// The drivers stand in the folders below: process and namespace. A driver builds
// walls, starts one process tree inside them, and opens the endpoint at which
// that tree finds its Runtime API. It knows nothing of invocations or tenants.
package sandbox

import (
	"fmt"
	"io"
	"net"
	"syscall"
)

// Network is what an environment can reach beyond its own Runtime API.
type Network string

const (
	NetworkNone Network = "none" // nothing
	NetworkHost Network = "host" // whatever the host reaches, its loopback included
)

// Spec is all that a driver needs to know.
type Spec struct {
	// ID names the environment on this machine: [a-z0-9-], never used twice.
	ID string

	// Command is run with its path as the environment sees it. The drivers that
	// can't change what it sees translate the prefixes /var/task and /opt.
	Command []string
	TaskDir string // host folder, seen read-only at /var/task
	OptDir  string // host folder, seen read-only at /opt; "" for none

	// Env is the whole environment of the process, as "KEY=value". The driver
	// adds AWS_LAMBDA_RUNTIME_API; nothing of the host's environment gets in.
	Env []string

	MemoryMB     int // limit of the whole process tree, where the driver can enforce one
	MaxProcesses int // processes and threads; 0 means 1,024, Lambda's quota
	TmpMB        int // size of /tmp
	Network      Network
}

// Process is a process tree that runs in a sandbox. A driver fills in every
// field. Its methods are safe for concurrent use.
type Process struct {
	// PID is the host's ID of the process that runs Command's environment, for
	// people to look at.
	PID int

	// RuntimeAPI accepts the connections that the tree makes to
	// AWS_LAMBDA_RUNTIME_API. Nothing else in the machine can reach it, unless
	// the driver says otherwise.
	RuntimeAPI net.Listener

	// Output is what the tree writes to stdout and stderr, in its order. It
	// ends with io.EOF after Release.
	Output io.Reader

	Handle
}

// Handle is a driver's hold on one process tree.
type Handle interface {
	// Mark puts token into Output behind all that the tree has written so far.
	// It is how a reader knows that it has seen everything. token is short
	// enough to be written at once (at most 512 bytes).
	Mark(token []byte) error

	// Terminate sends SIGTERM to the main process of the tree.
	Terminate() error

	// Kill ends the whole tree at once and returns without waiting for it.
	// Killing a dead tree is not an error.
	Kill() error

	// Wait blocks until the main process has ended and nothing of its tree runs
	// any more. Any number of callers may wait; all get the same answer.
	Wait() Exit

	// PeakMemory is the most memory that the tree has used so far, in bytes.
	// It is measured, never estimated; ok is false where that can't be done.
	PeakMemory() (bytes int64, ok bool)

	// Release kills what still runs, waits for it, and gives back whatever the
	// driver took: listener, folders, cgroups. It may be called again.
	Release() error
}

// A Freezer is a Handle that can take the CPU away from its tree. Ask for it by
// type assertion.
type Freezer interface {
	// Freeze makes every process of the tree stand still, those that are being
	// forked included. A frozen tree can be killed; asked to terminate, it does
	// so when it is thawed. Freezing what is frozen or dead is not an error.
	Freeze() error

	// Thaw lets the tree go on where it stood.
	Thaw() error
}

// Exit is how a main process ended.
type Exit struct {
	Code        int            // exit status, when Signal is 0
	Signal      syscall.Signal // the signal that ended it, or 0
	OutOfMemory bool           // the kernel ended it for want of memory
}

// String is worded as os/exec and Lambda word it: "exit status 1", "signal: killed".
func (e Exit) String() string {
	if e.Signal != 0 {
		return "signal: " + e.Signal.String()
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// StartError is returned by a driver that built the walls and could not run the
// command: it is the function's fault, not the machine's.
type StartError struct {
	Command string
	Err     error
}

func (e *StartError) Error() string { return fmt.Sprintf("run %s: %v", e.Command, e.Err) }
func (e *StartError) Unwrap() error { return e.Err }

// UnavailableError says that this machine can't give an isolation, why, and what
// would change that.
type UnavailableError struct {
	Isolation string // "namespace"
	Reason    string // "the kernel forbids unprivileged user namespaces"
	Fix       string // what to type or install
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("isolation %q cannot be had here: %s", e.Isolation, e.Reason)
}

// Hint is what the user can do about it.
func (e *UnavailableError) Hint() string { return e.Fix }
