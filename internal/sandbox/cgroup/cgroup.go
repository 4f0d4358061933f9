// Package cgroup limits what a process tree may use, and measures what it used.
//
// A [Tree] is where one running Berth keeps the groups of its environments; it
// finds its place in version 1, version 2 or a hybrid of both by itself, and says
// in [Tree.Problems] what it could not get. A [Group] is one environment's share.
// The package writes files and talks to no daemon. It knows nothing of sandboxes.
package cgroup

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
	"time"
)

// FullCPUMemoryMB is the memory at which a function has one whole vCPU; below
// and above, the share is in proportion. Source: AWS Lambda developer guide,
// configuration-memory.
const FullCPUMemoryMB = 1769

// Limits are those of one group. A zero is no limit.
type Limits struct {
	MemoryBytes int64
	Processes   int     // processes and threads
	Weight      float64 // share of the CPUs under contention; 1 is one whole vCPU's
	CPUs        float64 // most vCPUs at any time, contention or not
}

// CPUs is the share of vCPUs that Lambda gives with so much memory, in MB.
func CPUs(memoryMB int) float64 { return float64(memoryMB) / FullCPUMemoryMB }

// A Problem is a limit that can't be had on this machine, and what would help.
type Problem struct {
	Controller string // "memory", "pids", "cpu"
	Reason     string
	Fix        string
}

// A Tree holds the groups of one running Berth. It is safe for concurrent use.
type Tree struct {
	unified string            // folder in the version 2 hierarchy, or ""
	v2      map[string]bool   // the controllers that work in it
	v1      map[string]string // controller to folder in its version 1 hierarchy
	v1dirs  []string          // the folders of v1, each once
	aside   string            // the leaf into which Berth itself has stepped, or ""

	Problems []Problem
}

// Can says whether groups of this tree have the controller: "memory", "pids" or
// "cpu".
func (t *Tree) Can(controller string) bool {
	return t != nil && (t.v2[controller] || t.v1[controller] != "")
}

// Describe is the layout in a word: "v1", "v2", "hybrid" or "none".
func (t *Tree) Describe() string {
	switch {
	case t == nil || len(t.v1dirs) == 0 && t.unified == "":
		return "none"
	case len(t.v1dirs) == 0:
		return "v2"
	case t.unified == "":
		return "v1"
	}
	return "hybrid"
}

// Dirs are the tree's own folders, for the one who cleans up after a crash; see
// [RemoveAll].
func (t *Tree) Dirs() []string {
	if t == nil {
		return nil
	}
	dirs := t.v1dirs
	if t.unified != "" {
		dirs = append([]string{t.unified}, dirs...)
	}
	return dirs
}

// Close removes the tree. Groups that are still there are an error.
func (t *Tree) Close() error {
	if t == nil {
		return nil
	}
	var errs []error
	for _, d := range t.Dirs() {
		errs = append(errs, RemoveAll(d))
	}
	if t.aside != "" {
		errs = append(errs, t.stepBack())
	}
	return errors.Join(errs...)
}

// stepBack returns Berth to the cgroup that it was started in. That must not hand
// down controllers any more, or it could not hold a process.
func (t *Tree) stepBack() error {
	parent := filepath.Dir(t.aside)
	for _, c := range controllers {
		// One that was never handed down is refused, which is what is wanted.
		_ = write(parent, "cgroup.subtree_control", "-"+c)
	}
	if err := write(parent, "cgroup.procs", strconv.Itoa(os.Getpid())); err != nil {
		return fmt.Errorf("step back into cgroup %s: %w", parent, err)
	}
	return remove(t.aside)
}

// RemoveAll removes a cgroup and those below it. One that isn't there is no
// error; one that holds processes is.
func RemoveAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(append(errs, remove(dir))...)
}

// write writes one of a cgroup's files. The kernel takes each value in one write.
func write(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func readFile(dir, file string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, file)) }

// number reads a file that holds one number; ok is false if it doesn't.
func number(dir, file string) (n int64, ok bool) {
	b, err := readFile(dir, file)
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// field reads one "key number" line of a file.
func field(dir, file, key string) (int64, bool) {
	b, err := readFile(dir, file)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), " "); ok && k == key {
			n, err := strconv.ParseInt(v, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// Sweep ends what a dead Berth has left in its folders, as [Tree.Dirs] named them,
// and removes them.
func Sweep(ctx context.Context, dirs []string) error {
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, sweep(ctx, dir))
	}
	return errors.Join(errs...)
}

func sweep(ctx context.Context, dir string) error {
	for {
		left, err := killBelow(dir)
		if err != nil {
			return fmt.Errorf("sweep cgroup: %w", err)
		}
		if left == 0 {
			return RemoveAll(dir)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("sweep cgroup %s: %w", dir, context.Cause(ctx))
		case <-time.After(time.Millisecond):
		}
	}
}

// killBelow kills, and says how many processes it found.
func killBelow(dir string) (n int, err error) {
	b, err := readFile(dir, "cgroup.procs")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	pids, err := parsePIDs(b)
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
			n++
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return n, err
	}
	for _, e := range entries {
		if e.IsDir() {
			below, err := killBelow(filepath.Join(dir, e.Name()))
			if n += below; err != nil {
				return n, err
			}
		}
	}
	return n, nil
}
