package namespace

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// stagingPoint is where the new root is put together. Any folder would do: what
// is mounted over it is seen by this mount namespace alone, and by then
// everything that is wanted from the host has been opened.
const stagingPoint = "/tmp"

// buildRoot puts the root file system together and makes it the root. What the
// plan doesn't name is not there.
func (p *plan) buildRoot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return step("make mounts private", err)
	}
	trees := make([]int, 0, len(p.Binds)+len(p.Folders))
	for _, b := range p.Binds {
		fd, err := detach(unix.AT_FDCWD, b)
		if err != nil {
			return step("open "+b.Source, err)
		}
		trees = append(trees, fd)
	}
	for i, f := range p.Folders {
		// A descriptor was opened by Berth, who may pass through folders that the
		// sandbox's user may not.
		fd := firstFD + i
		if !p.FolderFDs {
			var err error
			if fd, err = detach(unix.AT_FDCWD, f); err != nil {
				return step("open "+f.Source, err)
			}
		}
		trees = append(trees, fd)
	}
	if err := unix.Mount("tmpfs", stagingPoint, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=1m"); err != nil {
		return step("mount the root", err)
	}
	if err := unix.Chdir(stagingPoint); err != nil {
		return step("mount the root", err)
	}
	if err := p.fill(trees); err != nil {
		return err
	}
	// The old root comes to lie over the new one, and is taken away from there.
	if err := unix.PivotRoot(".", "."); err != nil {
		return step("pivot_root", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return step("leave the host's root", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return step("leave the host's root", err)
	}
	return p.finishRoot()
}

// fill makes what the new root holds; trees are those of the binds and then those
// of the folders. The working directory is that root.
func (p *plan) fill(trees []int) error {
	for _, d := range p.Dirs {
		if err := unix.Mkdir("."+d, 0o755); err != nil {
			return step("make "+d, err)
		}
	}
	for _, f := range p.Files {
		if err := os.WriteFile("."+f.Path, []byte(f.Content), 0o644); err != nil {
			return step("write "+f.Path, unwrap(err))
		}
	}
	for _, l := range p.Links {
		if err := unix.Symlink(l.To, "."+l.Path); err != nil {
			return step("link "+l.Path, err)
		}
	}
	for i, b := range slices.Concat(p.Binds, p.Folders) {
		if err := attach(trees[i], b); err != nil {
			return step("bind "+b.Target, err)
		}
	}
	if p.Tmp != "" {
		if err := unix.Mount("tmpfs", "./tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, p.Tmp); err != nil {
			return step("mount /tmp", err)
		}
	}
	if p.Proc {
		// hidepid hides the stage itself, which is not dumpable.
		if err := unix.Mount("proc", "./proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "hidepid=2"); err != nil {
			return step("mount /proc", err)
		}
	}
	return nil
}

// finishRoot hides what must not be seen, and makes the root read-only.
func (p *plan) finishRoot() error {
	for _, b := range p.Hide {
		fd, err := detach(unix.AT_FDCWD, b)
		if err != nil {
			return step("hide "+b.Target, err)
		}
		if err := move(fd, b.Target); err != nil {
			return step("hide "+b.Target, err)
		}
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	return step("make the root read-only", unix.MountSetattr(unix.AT_FDCWD, "/", 0, &attr))
}

// detach clones the tree of mounts at b.Source and gives it the rights that it
// has inside. The clone hangs nowhere until it is attached.
func detach(dir int, b bind) (fd int, err error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	at := uint(unix.AT_EMPTY_PATH)
	if b.Dir {
		flags |= unix.AT_RECURSIVE
		at |= unix.AT_RECURSIVE
	}
	if fd, err = unix.OpenTree(dir, b.Source, flags); err != nil {
		return -1, err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID, Propagation: unix.MS_PRIVATE}
	if !b.Writable && !b.Device {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if b.Device {
		attr.Attr_set |= unix.MOUNT_ATTR_NOEXEC
	} else {
		attr.Attr_set |= unix.MOUNT_ATTR_NODEV
	}
	if err := unix.MountSetattr(fd, "", at, &attr); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// attach hangs a detached tree into the new root, and makes the place for it.
func attach(fd int, b bind) error {
	target := "." + b.Target
	if b.Dir {
		if err := unix.Mkdir(target, 0o755); err != nil && err != unix.EEXIST {
			return err
		}
	} else {
		place, err := unix.Open(filepath.Clean(target), unix.O_CREAT|unix.O_CLOEXEC|unix.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		if err := unix.Close(place); err != nil {
			return err
		}
	}
	return move(fd, target)
}

func move(fd int, target string) error {
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	return unix.Close(fd)
}

// unwrap takes the path of the staging point out of an error.
func unwrap(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
