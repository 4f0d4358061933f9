// Package ruleset speaks to the kernel's Landlock: it makes a list of what a thread,
// and what that starts, may still do, and puts the thread under it for good.
//
// It is written for the newest rights that version 6 has, that of Linux 6.12, and
// knows nothing of environments.
package ruleset

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MinVersion is the first version of Landlock that knows everything here: signals
// and abstract sockets came last. Source: the kernel's Landlock document,
// "Previous limitations".
const MinVersion = 6

// Version is that of the running kernel. ENOSYS means that it has no Landlock,
// EOPNOTSUPP that it is switched off.
func Version() (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, fmt.Errorf("ask for Landlock's version: %w", errno)
	}
	return int(n), nil
}

// Handled is what is refused unless a rule allows it. Signals to, and abstract
// sockets of, those outside are always refused.
type Handled struct {
	Files uint64 // LANDLOCK_ACCESS_FS_*
	TCP   bool   // to connect, and to bind
}

// A Ruleset is what will be allowed. It is not safe for concurrent use.
type Ruleset struct{ fd int }

// New makes a ruleset that allows nothing of what it handles.
func New(h Handled) (*Ruleset, error) {
	attr := unix.LandlockRulesetAttr{
		Handled_access_fs: h.Files,
		Scoped:            unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL,
	}
	if h.TCP {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	const known = 3 * 8 // bytes of attr that version 6 knows
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), known, 0)
	if errno != 0 {
		return nil, fmt.Errorf("make a Landlock ruleset: %w", errno)
	}
	return &Ruleset{int(fd)}, nil
}

// AllowPath allows rights, which must be handled, on a file, or on a folder and
// all below it.
func (s *Ruleset) AllowPath(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	errno := s.add(unix.LANDLOCK_RULE_PATH_BENEATH, unsafe.Pointer(&attr))
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	if errno != 0 {
		return fmt.Errorf("allow %s: %w", path, errno)
	}
	return nil
}

// AllowConnect allows to connect to a TCP port, on whatever address: Landlock does
// not look at those.
func (s *Ruleset) AllowConnect(port int) error {
	const netPort = 2 // LANDLOCK_RULE_NET_PORT
	attr := struct{ access, port uint64 }{unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, uint64(port)}
	if errno := s.add(netPort, unsafe.Pointer(&attr)); errno != 0 {
		return fmt.Errorf("allow port %d: %w", port, errno)
	}
	return nil
}

func (s *Ruleset) add(kind uintptr, attr unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(s.fd), kind, uintptr(attr), 0, 0, 0)
	return errno
}

// Enforce puts the calling thread, and what it starts, under the rules for good.
// It needs no_new_privs. The goroutine must be locked to the thread, and the thread
// end with it.
func (s *Ruleset) Enforce() error {
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(s.fd), 0, 0); errno != 0 {
		return fmt.Errorf("enforce Landlock: %w", errno)
	}
	return nil
}

// Close gives the ruleset back; what it was enforced on stays under it.
func (s *Ruleset) Close() error { return unix.Close(s.fd) }
