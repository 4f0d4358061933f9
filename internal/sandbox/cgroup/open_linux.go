package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// delegate is what to type where a user has no cgroups of their own.
const delegate = "systemd-run --user --scope -p Delegate=yes berth up"

// Open finds where this process may make cgroups, and makes the folder name,
// which must be nobody else's, there in each hierarchy that has a use. It fails only when what it had begun
// can't be undone: a machine that gives nothing gives an empty tree, with
// Problems.
func Open(name string) (*Tree, error) {
	mounts, own, err := look()
	if err != nil {
		return nil, err
	}
	return openTree(mounts, own, name)
}

func openTree(mounts []mount, own map[string]string, name string) (*Tree, error) {
	t := &Tree{v1: map[string]string{}, v2: map[string]bool{}}
	reasons := map[string]string{}
	for _, m := range mounts {
		if !m.unified {
			t.openV1(m, own[m.has[0]], name, reasons)
		} else if err := t.openUnified(m, own[""], name, reasons); err != nil {
			return nil, errors.Join(err, t.Close())
		}
	}
	for _, c := range controllers {
		if t.Can(c) {
			continue
		}
		reason := reasons[c]
		if reason == "" {
			reason = "no " + c + " controller is mounted"
		}
		t.Problems = append(t.Problems, Problem{Controller: c, Reason: reason, Fix: fix()})
	}
	return t, nil
}

func fix() string {
	if os.Geteuid() == 0 {
		return "mount the cgroup file system writable (in a container: --cgroupns=private and a writable /sys/fs/cgroup)"
	}
	return delegate
}

func look() (mounts []mount, own map[string]string, err error) {
	info, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, nil, fmt.Errorf("look for cgroups: %w", err)
	}
	defer info.Close()
	if mounts, err = parseMounts(info); err != nil {
		return nil, nil, fmt.Errorf("look for cgroups: %w", err)
	}
	mine, err := os.Open("/proc/self/cgroup")
	if err != nil {
		return nil, nil, fmt.Errorf("look for cgroups: %w", err)
	}
	defer mine.Close()
	if own, err = parseOwn(mine); err != nil {
		return nil, nil, fmt.Errorf("look for cgroups: %w", err)
	}
	return mounts, own, nil
}

// openV1 makes the folder below this process's own cgroup, so that the limits
// which hold for Berth hold for its environments too.
func (t *Tree) openV1(m mount, own, name string, reasons map[string]string) {
	parent, ok := m.dirOf(own)
	if !ok {
		parent = m.point
	}
	dir := filepath.Join(parent, name)
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		for _, c := range m.has {
			t.v1[c] = dir
		}
		t.v1dirs = append(t.v1dirs, dir)
		return
	}
	for _, c := range m.has {
		reasons[c] = reason(err)
	}
}

// openUnified makes the folder in the version 2 hierarchy. There a cgroup either
// holds processes or hands controllers to those below it, the root excepted. So
// root takes the top of the tree, and a user the cgroup that systemd delegated,
// if nobody but Berth is in it: Berth then steps aside into a leaf.
// Source: the kernel's cgroup-v2 document, "No Internal Process Constraint".
func (t *Tree) openUnified(m mount, own, name string, reasons map[string]string) error {
	parent := m.point
	if unix.Access(filepath.Join(parent, "cgroup.procs"), unix.W_OK) != nil || unix.Access(parent, unix.W_OK) != nil {
		dir, ok := m.dirOf(own)
		if !ok || unix.Access(dir, unix.W_OK) != nil {
			t.explainUnified(m.point, reasons, "the cgroup "+own+" belongs to somebody else")
			return nil
		}
		parent = dir
	}
	want := t.available(parent)
	err := enable(parent, want)
	if errors.Is(err, unix.EBUSY) && alone(parent) {
		if err = t.stepAside(parent, name); err != nil {
			return err
		}
		err = enable(parent, want)
	}
	if err != nil && len(want) > 0 {
		t.explainUnified(m.point, reasons, reason(err))
	}
	dir := filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.explainUnified(m.point, reasons, reason(err))
		return nil
	}
	t.unified = dir
	got := t.available(dir)
	if err := enable(dir, got); err != nil {
		t.explainUnified(m.point, reasons, reason(err))
		return nil
	}
	for _, c := range got {
		t.v2[c] = true
	}
	return nil
}

func (t *Tree) explainUnified(point string, reasons map[string]string, why string) {
	for _, c := range t.available(point) {
		reasons[c] = why
	}
}

// available are the controllers that the cgroup may hand down.
func (t *Tree) available(dir string) []string {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(strings.Fields(string(b)), func(c string) bool { return !slices.Contains(controllers, c) })
}

func enable(dir string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	have, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(names), func(c string) bool {
		return slices.Contains(strings.Fields(string(have)), c)
	})
	if len(missing) == 0 {
		return nil
	}
	return write(dir, "cgroup.subtree_control", "+"+strings.Join(missing, " +"))
}

// alone says whether this process is the only one in the cgroup.
func alone(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	return err == nil && strings.TrimSpace(string(b)) == strconv.Itoa(os.Getpid())
}

func (t *Tree) stepAside(parent, name string) error {
	leaf := filepath.Join(parent, name+"-self")
	if err := os.Mkdir(leaf, 0o755); err != nil {
		return fmt.Errorf("make room for environments: %w", err)
	}
	if err := write(leaf, "cgroup.procs", strconv.Itoa(os.Getpid())); err != nil {
		return errors.Join(fmt.Errorf("make room for environments: %w", err), os.Remove(leaf))
	}
	t.aside = leaf
	return nil
}

// reason is an error without the path, for people.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		switch pe.Err {
		case unix.EROFS:
			return "the cgroup file system is read-only"
		case unix.EACCES, unix.EPERM:
			return "this user may not make cgroups"
		case unix.EBUSY:
			return "other processes share Berth's cgroup"
		}
		return pe.Err.Error()
	}
	return err.Error()
}
