package landlock

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/landlock/ruleset"
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

// allow adds what one environment may do.
func allow(s *ruleset.Ruleset, r process.Restriction) error {
	for _, path := range shared {
		found, err := filepath.Glob(path.pattern)
		if err != nil {
			return fmt.Errorf("allow %s: %w", path.pattern, err)
		}
		for _, name := range found {
			if err := s.AllowPath(name, path.rights); err != nil && !errors.Is(err, unix.ENOENT) {
				return err
			}
		}
	}
	if err := s.AllowPath(r.TaskDir, read|execute); err != nil {
		return err
	}
	if r.OptDir != "" {
		if err := s.AllowPath(r.OptDir, read|execute); err != nil {
			return err
		}
	}
	if err := s.AllowPath(r.TmpDir, own); err != nil {
		return err
	}
	if r.Network != sandbox.NetworkNone {
		return nil
	}
	return s.AllowConnect(r.RuntimeAPI.Port)
}
