//go:build unix

// Package rundir owns the folder in which one running Berth keeps what is
// temporary, and clears away what one that was killed has left.
//
// The folder is <base>/berth-<uid>/run-<slot>. A running Berth holds a lock on
// it, which the kernel drops with the process, however that ends: a folder whose
// lock is free belongs to nobody. When the last one closes, nothing is left, not
// even a file to lock. The package knows nothing of what lies in the folder; who
// opens it says how to sweep one.
package rundir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxSlots is how many Berths of one user may run with the same base.
const maxSlots = 64

// Dir is the folder of one running Berth.
type Dir struct {
	Path string

	parent string
	lock   *os.File
}

// Open makes the folder below base, having swept those of the dead: for each,
// sweep is called, and then the folder is removed. What a sweep could not do is
// in the error beside a usable Dir: it stays for the next start, and is no
// reason not to run.
func Open(ctx context.Context, base string, sweep func(ctx context.Context, path string) error) (*Dir, error) {
	d := &Dir{parent: filepath.Join(base, "berth-"+strconv.Itoa(os.Geteuid()))}
	unlock, err := d.lockParent()
	if err != nil {
		return nil, err
	}
	swept := d.sweepDead(ctx, sweep)
	err = d.take()
	if uerr := unlock(); err == nil {
		err = uerr
	}
	if err != nil {
		return nil, errors.Join(err, swept)
	}
	return d, swept
}

// Close removes the folder, and the one above it when it was the last.
func (d *Dir) Close() error {
	unlock, err := d.lockParent()
	if err != nil {
		return err
	}
	errs := []error{os.RemoveAll(d.Path), d.lock.Close()}
	if err := os.Remove(d.parent); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, unlock())...)
}

// lockParent makes the folder above and holds its lock: one Berth at a time
// looks around. The one who had the lock before may have removed the folder, so
// after each wait it is asked whether this is still the one.
func (d *Dir) lockParent() (unlock func() error, err error) {
	for {
		if err := os.Mkdir(d.parent, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the run folder: %w", err)
		}
		f, err := os.OpenFile(d.parent, syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open the run folder: %w", err)
		}
		if err := flock(f, syscall.LOCK_EX); err != nil {
			return nil, errors.Join(fmt.Errorf("lock the run folder: %w", err), f.Close())
		}
		held, err := f.Stat()
		if err == nil {
			var now os.FileInfo
			if now, err = os.Lstat(d.parent); err == nil && os.SameFile(held, now) {
				if err := ownedByUs(d.parent, held); err != nil {
					return nil, errors.Join(err, f.Close())
				}
				return f.Close, nil
			}
		}
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("lock the run folder: %w", err)
		}
	}
}

// ownedByUs refuses a folder that somebody else has put in this place.
func ownedByUs(path string, info os.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the run folder %s is open to others: remove it, or set TMPDIR", path)
	}
	return nil
}

func (d *Dir) sweepDead(ctx context.Context, sweep func(context.Context, string) error) error {
	entries, err := os.ReadDir(d.parent)
	if err != nil {
		return fmt.Errorf("look for what was left behind: %w", err)
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(d.parent, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), "run-") {
			continue
		}
		f, err := lockRun(path)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue // it runs
		}
		if err == nil {
			if err = sweep(ctx, path); err == nil {
				err = os.RemoveAll(path)
			}
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep %s: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

// take makes a folder in the first slot that is free. A slot that could not be
// swept isn't.
func (d *Dir) take() error {
	for slot := range maxSlots {
		path := filepath.Join(d.parent, "run-"+strconv.Itoa(slot))
		err := os.Mkdir(path, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("make the run folder: %w", err)
		}
		if d.lock, err = lockRun(path); err != nil {
			return fmt.Errorf("lock the run folder: %w", err)
		}
		d.Path = path
		return nil
	}
	return fmt.Errorf("%d Berths run under this user already, in %s", maxSlots, d.parent)
}

func lockRun(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}
