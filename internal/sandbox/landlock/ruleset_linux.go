package landlock

import (
	"errors"
	"fmt"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox/process"
)

// What may be done with files. Everything is handled, so that whatever is not
// allowed is refused.
const (
	everything = 1<<16 - 1 // all rights of version 5, the newest on files that version 6 has
	read       = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	readFile   = unix.LANDLOCK_ACCESS_FS_READ_FILE
	execute    = unix.LANDLOCK_ACCESS_FS_EXECUTE
	device     = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	// own is a folder of the function's own: all but device nodes.
	own = everything &^ (unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV)
)

// shared are the paths that every function may use; those that are not there are
// passed over. Of /proc it may read what is the reader's own or the machine's:
// the memory, environment and descriptors of another process are kept by Landlock
// itself, which lets nobody debug what is outside.
var shared = []struct {
	pattern string
	rights  uint64
}{
	{"/usr", read | execute}, {"/bin", read | execute}, {"/sbin", read | execute},
	{"/lib*", read | execute}, {"/nix/store", read | execute},
	{"/proc", read},
	{"/dev/null", device}, {"/dev/zero", device}, {"/dev/full", device},
	{"/dev/random", readFile}, {"/dev/urandom", readFile},
	{"/etc/ld.so.cache", readFile}, {"/etc/ld.so.conf", readFile}, {"/etc/ld.so.conf.d", read},
	{"/etc/localtime", readFile}, {"/etc/alternatives", read}, {"/etc/passwd", readFile},
	{"/etc/group", readFile}, {"/etc/hosts", readFile}, {"/etc/nsswitch.conf", readFile},
	{"/etc/resolv.conf", readFile}, {"/etc/host.conf", readFile}, {"/etc/gai.conf", readFile},
	{"/etc/ssl/certs", read}, {"/etc/ssl/openssl.cnf", readFile}, {"/etc/pki/tls/certs", read},
	{"/etc/pki/ca-trust/extracted", read}, {"/etc/ca-certificates", read}, {"/etc/crypto-policies", read},
	{"/etc/java*", read}, {"/etc/mime.types", readFile}, {"/etc/protocols", readFile}, {"/etc/services", readFile},
}

// A ruleset is what will be allowed. It is not safe for concurrent use.
type ruleset struct {
	fd  int
	net bool // TCP is handled
}

// version is that of the kernel's Landlock.
func version() (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, fmt.Errorf("ask for Landlock's version: %w", errno)
	}
	return int(n), nil
}

func newRuleset(net bool) (*ruleset, error) {
	attr := unix.LandlockRulesetAttr{
		Handled_access_fs: everything,
		Scoped:            unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL,
	}
	if net {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	const known = 3 * 8 // bytes of attr that version 6 knows
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), known, 0)
	if errno != 0 {
		return nil, fmt.Errorf("make a Landlock ruleset: %w", errno)
	}
	return &ruleset{int(fd), net}, nil
}

// allow adds what one environment may do.
func (s *ruleset) allow(r process.Restriction) error {
	for _, path := range shared {
		found, err := filepath.Glob(path.pattern)
		if err != nil {
			return fmt.Errorf("allow %s: %w", path.pattern, err)
		}
		for _, name := range found {
			if err := s.allowPath(name, path.rights); err != nil && !errors.Is(err, unix.ENOENT) {
				return err
			}
		}
	}
	if err := s.allowPath(r.TaskDir, read|execute); err != nil {
		return err
	}
	if r.OptDir != "" {
		if err := s.allowPath(r.OptDir, read|execute); err != nil {
			return err
		}
	}
	if err := s.allowPath(r.TmpDir, own); err != nil {
		return err
	}
	if !s.net {
		return nil
	}
	return s.allowPort(r.RuntimeAPI.Port)
}

// allowPath allows rights on a file, or on a folder and all below it.
func (s *ruleset) allowPath(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(s.fd), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	if errno != 0 {
		return fmt.Errorf("allow %s: %w", path, errno)
	}
	return nil
}

// allowPort allows to connect to a port, on whatever address: Landlock does not
// look at those. The port is one that this machine has just given to Berth.
func (s *ruleset) allowPort(port int) error {
	const ruleNetPort = 2 // LANDLOCK_RULE_NET_PORT
	attr := struct{ access, port uint64 }{unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, uint64(port)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(s.fd), ruleNetPort, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("allow port %d: %w", port, errno)
	}
	return nil
}

// enforce puts the calling thread, and what it starts, under the rules for good.
// It needs no_new_privs.
func (s *ruleset) enforce() error {
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(s.fd), 0, 0); errno != 0 {
		return fmt.Errorf("enforce Landlock: %w", errno)
	}
	return nil
}

func (s *ruleset) close() error { return unix.Close(s.fd) }
