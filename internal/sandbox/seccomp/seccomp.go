// Package seccomp holds the list of system calls that a function may make.
//
// The list allows; what it doesn't name is refused. A list that forbids would let
// through every call that a newer kernel brings, and on amd64 the whole 32-bit
// ABI, which a filter by number does not see. [Program] assembles the list once,
// in Berth; [Install] puts the result around a process, which costs microseconds
// because nothing is assembled there.
//
// The assembler is our own, and a page long. The one that was tried
// (elastic/go-seccomp-bpf 1.6) does not load the call's number again after it has
// looked at an argument, so that an argument can pass for the number of another
// call; and it answers foreign architectures with the default action.
//
// The package knows nothing of namespaces or capabilities: it is a wall of its
// own, and holds for root as well.
package seccomp

import "errors"

// ErrUnsupported is returned on architectures whose calls nobody has listed.
var ErrUnsupported = errors.New("no list of system calls for this architecture")

// A Scope says what a program shares with others, and so what it must not do.
type Scope struct {
	// Shared is set where other tenants' processes have numbers, and their files
	// and queues names, in the program's own world: without namespaces. Then no
	// call is allowed that takes another process's number and is not stopped
	// elsewhere, none that changes a file by its path but those that Landlock
	// looks at, no System V or POSIX queue, and no socket of the file system.
	Shared bool
	// TCPOnly leaves nothing of the network but TCP and questions about the
	// interfaces: where another wall looks at ports, and only at those of TCP.
	TCPOnly bool
}
