package namespace

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox/landlock/ruleset"
)

// changes are all the ways to change the file system.
const changes = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
	unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REFER |
	unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
	unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
	unix.LANDLOCK_ACCESS_FS_MAKE_SYM

// writable are the places of an environment that may be changed, and how.
var writable = map[string]uint64{
	"/tmp":  changes &^ (unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK),
	"/dev":  unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE,
	"/proc": unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE,
}

// secondWall stands behind the mounts and the namespaces: the thread, and what it
// starts, changes nothing but what is its own, even where a mount turned out to be
// writable; it signals, debugs and talks to nobody outside of itself, the stage
// included; and it can't mount, whatever rights it might come by.
func secondWall() error {
	rules, err := ruleset.New(ruleset.Handled{Files: changes})
	if err != nil {
		return err
	}
	for path, rights := range writable {
		err = errors.Join(err, rules.AllowPath(path, rights))
	}
	if err == nil {
		err = rules.Enforce()
	}
	return errors.Join(err, rules.Close())
}
