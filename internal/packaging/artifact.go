package packaging

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Artifact is a folder that can be seen as /var/task. All can read it, so that an
// environment may run under any user. It doesn't change, and it stays until
// Close at least, whatever other builds do.
type Artifact struct {
	// Dir is absolute. Its last part names the contents: two artifacts of one
	// function with the same Dir are the same code.
	Dir string

	hold  *lock // nil when the folder is not in the cache
	close sync.Once
}

// Close lets later builds remove the folder. It may be called again.
func (a *Artifact) Close() {
	a.close.Do(func() {
		if a.hold != nil {
			a.hold.release()
		}
	})
}

// A place holds the artifacts of one function:
//
//	lock           held while something is published or removed
//	last           a symbolic link to the artifact that was published last
//	<contents>     artifacts; whoever uses one holds a shared lock on it
//	work-…         builds that are going on, locked likewise
//
// A lock ends with the process that holds it. So what a killed Berth leaves
// behind is removed by the next build.
type place struct{ dir string }

const (
	lockName   = "lock"
	lastName   = "last"
	workPrefix = "work-"
)

// openPlace makes the folder for a function's artifacts.
func openPlace(spec Spec) (*place, error) {
	cache := spec.Cache
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("build %s: find a folder for the result: %w", spec.ID, err)
		}
		cache = filepath.Join(user, "berth", "build")
	}
	template, err := filepath.Abs(spec.Template)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", spec.ID, err)
	}
	cache, err = filepath.Abs(cache)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", spec.ID, err)
	}
	key := sha256.Sum256([]byte(template + "\x00" + spec.ID + "\x00" + spec.Architecture))
	p := &place{filepath.Join(cache, readable(spec.ID)+hex.EncodeToString(key[:8]))}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return nil, fmt.Errorf("build %s: %w", spec.ID, err)
	}
	return p, nil
}

// readable is the part of a folder's name that tells people whose it is.
func readable(id string) string {
	for _, r := range id {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') {
			return ""
		}
	}
	return id + "-"
}

// locked runs f while no other process publishes or removes anything here.
func (p *place) locked(f func() error) error {
	l, err := acquire(filepath.Join(p.dir, lockName), exclusive)
	if err != nil {
		return err
	}
	defer l.release()
	return f()
}

// work is a build that is going on: out becomes the artifact, tmp is for the
// tools.
type work struct {
	dir, out, tmp string
	hold          *lock
}

func (p *place) work() (*work, error) {
	w := &work{}
	err := p.locked(func() (err error) {
		if w.dir, err = os.MkdirTemp(p.dir, workPrefix); err != nil {
			return err
		}
		w.out, w.tmp = filepath.Join(w.dir, "out"), filepath.Join(w.dir, "tmp")
		if w.hold, err = acquire(w.dir, shared); err != nil {
			return err
		}
		return errors.Join(os.Mkdir(w.out, 0o755), os.Mkdir(w.tmp, 0o700))
	})
	if err != nil {
		w.discard()
		return nil, fmt.Errorf("make a folder for the build: %w", err)
	}
	return w, nil
}

func (w *work) discard() {
	if w.dir != "" {
		os.RemoveAll(w.dir)
	}
	if w.hold != nil {
		w.hold.release()
	}
}

// copyLast puts the bootstrap that was published last at file, if there is one.
// It is a help and no more: if it can't be had, nothing is lost.
func (p *place) copyLast(file string) {
	src, err := os.Open(filepath.Join(p.dir, lastName, bootstrap))
	if err != nil {
		return
	}
	defer src.Close()
	dst, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return
	}
	_, err = io.Copy(dst, src)
	if errors.Join(err, dst.Close()) != nil {
		os.Remove(file)
	}
}

// publish gives what was built the name of its contents, in one step, and removes
// what nobody uses any more.
func (p *place) publish(w *work) (*Artifact, error) {
	if err := openToAll(w.out); err != nil {
		return nil, fmt.Errorf("publish the build: %w", err)
	}
	name, err := contents(w.out)
	if err != nil {
		return nil, fmt.Errorf("publish the build: %w", err)
	}
	a := &Artifact{Dir: filepath.Join(p.dir, name)}
	err = p.locked(func() (err error) {
		if there, err := contents(a.Dir); err != nil || there != name {
			// Not there, or cut short by a crash of the machine.
			if err := p.remove(a.Dir); err != nil {
				return err
			}
			if err := os.Rename(w.out, a.Dir); err != nil {
				return err
			}
		}
		if a.hold, err = acquire(a.Dir, shared); err != nil {
			return err
		}
		link := filepath.Join(w.dir, lastName)
		if os.Symlink(name, link) == nil { // it only speeds up the next build
			_ = os.Rename(link, filepath.Join(p.dir, lastName))
		}
		return p.prune(name)
	})
	if err != nil {
		a.Close()
		return nil, fmt.Errorf("publish the build: %w", err)
	}
	return a, nil
}

// prune removes the artifacts and builds that no process holds, but for keep.
func (p *place) prune(keep string) error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == keep {
			continue
		}
		dir := filepath.Join(p.dir, e.Name())
		l, err := acquire(dir, exclusiveNow)
		if err != nil {
			continue // in use
		}
		err = p.remove(dir)
		l.release()
		if err != nil {
			return err
		}
	}
	return nil
}

// remove takes a folder's name away before it takes its files: a half-removed
// folder never looks like an artifact. A missing folder is no error.
func (p *place) remove(dir string) error {
	doomed, err := os.MkdirTemp(p.dir, workPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(doomed)
	if err := os.Rename(dir, filepath.Join(doomed, "out")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openToAll lets everybody read what is in dir, and run what is executable. A
// symbolic link must not lead out of it.
func openToAll(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		switch {
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			if _, err := root.Stat(path); err != nil {
				return fmt.Errorf("%s: a symbolic link in the package: %w", path, err)
			}
			return nil
		case info.IsDir() || info.Mode().Perm()&0o100 != 0:
			return root.Chmod(path, 0o755)
		case info.Mode().IsRegular():
			return root.Chmod(path, 0o644)
		}
		return fmt.Errorf("%s is neither a file nor a folder", path)
	})
}

// contents names what is in dir by a hash of its paths, modes and bytes.
func contents(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		// The length of each part is written before it, so that no two trees
		// make the same stream.
		fmt.Fprintf(h, "%d:%s %o ", len(name), filepath.ToSlash(name), info.Mode())
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "%d:%s", len(target), target)
		case info.Mode().IsRegular():
			fmt.Fprintf(h, "%d:", info.Size())
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := io.Copy(h, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}
