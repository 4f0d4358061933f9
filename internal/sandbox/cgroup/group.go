package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A Group is one environment's share of the machine. Its methods are safe for
// concurrent use. The nil Group is the one of a machine without cgroups: it
// limits nothing, measures nothing and is removed with success.
type Group struct {
	tree    *Tree
	name    string
	unified string   // folder in version 2, or ""
	v1      []string // folders in version 1, each once
}

// cpuPeriod is the time within which a group may use its share of the CPUs.
const cpuPeriod = 100 * time.Millisecond

// New makes a group and sets its limits. Limits whose controller the tree does
// not have are left out: the tree's Problems have said so. On a tree that has
// nothing the group is nil, which is a group too.
func (t *Tree) New(name string, lim Limits) (*Group, error) {
	if t == nil || len(t.Dirs()) == 0 {
		return nil, nil
	}
	g := &Group{tree: t, name: name}
	if err := g.create(lim); err != nil {
		return nil, errors.Join(fmt.Errorf("make cgroup %s: %w", name, err), g.Remove())
	}
	return g, nil
}

func (g *Group) create(lim Limits) error {
	// Without a controller the unified hierarchy has nothing to add to version 1.
	if g.tree.unified != "" && (len(g.tree.v2) > 0 || len(g.tree.v1dirs) == 0) {
		dir := filepath.Join(g.tree.unified, g.name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		g.unified = dir
	}
	for _, parent := range g.tree.v1dirs {
		dir := filepath.Join(parent, g.name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		g.v1 = append(g.v1, dir)
	}
	return errors.Join(g.limitMemory(lim.MemoryBytes), g.limitProcesses(lim.Processes), g.weighCPU(lim.Weight), g.limitCPU(lim.CPUs))
}

// dir is the folder in which the controller's files are, and its version.
func (g *Group) dir(controller string) (path string, version int) {
	switch {
	case g == nil:
		return "", 0
	case g.tree.v2[controller]:
		return g.unified, 2
	case g.tree.v1[controller] != "":
		return filepath.Join(g.tree.v1[controller], g.name), 1
	}
	return "", 0
}

func (g *Group) limitMemory(bytes int64) error {
	dir, version := g.dir("memory")
	if bytes <= 0 || version == 0 {
		return nil
	}
	value := strconv.FormatInt(bytes, 10)
	if version == 2 {
		// Without swap.max the limit would only be on what is not swapped out.
		return errors.Join(write(dir, "memory.max", value), optional(write(dir, "memory.swap.max", "0")))
	}
	return errors.Join(write(dir, "memory.limit_in_bytes", value), optional(write(dir, "memory.memsw.limit_in_bytes", value)))
}

func (g *Group) limitProcesses(n int) error {
	dir, version := g.dir("pids")
	if n <= 0 || version == 0 {
		return nil
	}
	return write(dir, "pids.max", strconv.Itoa(n))
}

// weighCPU sets what the group gets when others want the CPUs too.
func (g *Group) weighCPU(weight float64) error {
	dir, version := g.dir("cpu")
	switch {
	case weight <= 0 || version == 0:
		return nil
	case version == 2:
		return write(dir, "cpu.weight", strconv.Itoa(min(max(int(math.Round(weight*100)), 1), 10_000)))
	}
	return write(dir, "cpu.shares", strconv.Itoa(min(max(int(math.Round(weight*1024)), 2), 262_144)))
}

func (g *Group) limitCPU(cpus float64) error {
	dir, version := g.dir("cpu")
	if cpus <= 0 || version == 0 {
		return nil
	}
	period := cpuPeriod.Microseconds()
	quota := max(int64(math.Round(cpus*float64(period))), 1000) // the kernel's least: 1 ms
	if version == 2 {
		return write(dir, "cpu.max", fmt.Sprintf("%d %d", quota, period))
	}
	return errors.Join(
		optional(write(dir, "cpu.cfs_period_us", strconv.FormatInt(period, 10))),
		optional(write(dir, "cpu.cfs_quota_us", strconv.FormatInt(quota, 10))))
}

// optional forgives a file that this kernel was built without.
func optional(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// Dir opens the version 2 folder, for CLONE_INTO_CGROUP; nil if there is none.
func (g *Group) Dir() (*os.File, error) {
	if g == nil || g.unified == "" {
		return nil, nil
	}
	return os.Open(g.unified)
}

// Joins opens the version 1 files into which a thread writes "0" to be moved,
// and to have its children born there.
//
// It is the cheap way in: a thread that moves itself takes no lock that all of
// the machine's processes share. A whole process that is moved by its ID does,
// and waits for a grace period: 5 to 15 ms for each hierarchy on Linux 6.18,
// against 0.3 ms.
func (g *Group) Joins() ([]*os.File, error) {
	if g == nil {
		return nil, nil
	}
	var files []*os.File
	for _, dir := range g.v1 {
		f, err := os.OpenFile(filepath.Join(dir, "tasks"), os.O_WRONLY, 0)
		if err != nil {
			for _, f := range files {
				err = errors.Join(err, f.Close())
			}
			return nil, fmt.Errorf("open cgroup %s: %w", g.name, err)
		}
		files = append(files, f)
	}
	return files, nil
}

// Processes are the IDs of those in the group, threads not counted.
func (g *Group) Processes() ([]int, error) {
	if g == nil {
		return nil, nil
	}
	dirs := g.v1
	if g.unified != "" {
		dirs = []string{g.unified}
	}
	if len(dirs) == 0 {
		return nil, nil
	}
	b, err := os.ReadFile(filepath.Join(dirs[0], "cgroup.procs"))
	if err != nil {
		return nil, fmt.Errorf("read cgroup %s: %w", g.name, err)
	}
	return parsePIDs(b)
}

// PeakMemory is the most memory that the group has used, in bytes: the
// processes' own, the files that they wrote to /tmp where that is in memory, and
// the kernel's for them. ok is false where nobody counted.
func (g *Group) PeakMemory() (bytes int64, ok bool) {
	switch dir, version := g.dir("memory"); version {
	case 1:
		return number(dir, "memory.max_usage_in_bytes")
	case 2:
		return number(dir, "memory.peak") // Linux 5.19
	}
	return 0, false
}

// OutOfMemory says whether the kernel has killed a process of the group for want
// of memory.
func (g *Group) OutOfMemory() bool {
	var n int64
	switch dir, version := g.dir("memory"); version {
	case 1:
		n, _ = field(dir, "memory.oom_control", "oom_kill")
	case 2:
		n, _ = field(dir, "memory.events", "oom_kill")
	}
	return n > 0
}

// Remove removes the group. Its processes must have ended; the kernel may need a
// moment more to let go of them, for which Remove waits up to a second.
func (g *Group) Remove() error {
	if g == nil {
		return nil
	}
	var errs []error
	if g.unified != "" {
		errs = append(errs, remove(g.unified))
	}
	for _, dir := range g.v1 {
		errs = append(errs, remove(dir))
	}
	return errors.Join(errs...)
}

// remove removes one folder. A process that has been waited for may still stand
// in its cgroup for as long as the kernel takes to bury its last thread, and no
// file of version 1 tells of that moment: so the question is asked again.
func remove(dir string) error {
	for wait := 100 * time.Microsecond; ; wait *= 2 {
		err := syscall.Rmdir(dir)
		switch {
		case err == nil || err == syscall.ENOENT:
			return nil
		case err != syscall.EBUSY && err != syscall.EINTR || wait > 500*time.Millisecond:
			return &fs.PathError{Op: "remove cgroup", Path: dir, Err: err}
		}
		time.Sleep(wait)
	}
}

// Enter moves the calling thread, which must be locked to its goroutine, into the
// version 1 folders; what it starts then is born there. back takes it home, even
// if the thread may open no files any more; it must be called once.
func (g *Group) Enter() (back func() error, err error) {
	var homes []*os.File
	back = func() error {
		var errs []error
		for _, f := range homes {
			_, err := f.WriteString("0")
			errs = append(errs, err, f.Close())
		}
		return errors.Join(errs...)
	}
	if g == nil {
		return back, nil
	}
	for _, dir := range g.v1 {
		home, err := os.OpenFile(filepath.Join(filepath.Dir(filepath.Dir(dir)), "tasks"), os.O_WRONLY, 0)
		if err == nil {
			homes = append(homes, home)
			err = write(dir, "tasks", "0")
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("enter cgroup %s: %w", g.name, err), back())
		}
	}
	return back, nil
}
