package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, needs ...string) *Tree {
	t.Helper()
	tree, err := Open(fmt.Sprintf("berth-test-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		for _, d := range tree.Dirs() {
			if _, err := os.Stat(d); err == nil {
				t.Errorf("%s is still there", d)
			}
		}
	})
	for _, c := range needs {
		if !tree.Can(c) {
			t.Skipf("this machine gives no %s controller: %v", c, tree.Problems)
		}
	}
	return tree
}

func group(t *testing.T, tree *Tree, lim Limits) *Group {
	t.Helper()
	g, err := tree.New("env-1", lim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// start runs a shell that is a member of the group from its first instruction.
func start(t *testing.T, g *Group, script string) *exec.Cmd {
	t.Helper()
	joins, err := g.Joins()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `for f in "$@"; do echo 0 >"$f"; done; `+script, "sh")
	for i := range joins {
		cmd.Args = append(cmd.Args, fmt.Sprintf("/proc/self/fd/%d", 3+i))
	}
	cmd.ExtraFiles = joins
	if dir, err := g.Dir(); err != nil {
		t.Fatal(err)
	} else if dir != nil {
		defer dir.Close()
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range joins {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	return cmd
}

func TestAMemoryBombIsKilledAndCounted(t *testing.T) {
	g := group(t, open(t, "memory"), Limits{MemoryBytes: 16 << 20})
	cmd := start(t, g, `x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done`)
	err := cmd.Wait()
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != unix.SIGKILL {
		t.Fatalf("ended with %v", err)
	}
	if !g.OutOfMemory() {
		t.Error("OutOfMemory is false")
	}
	if n, ok := g.PeakMemory(); !ok || n < 8<<20 || n > 16<<20 {
		t.Errorf("peak memory is %d, %t", n, ok)
	}
}

func TestAForkBombStopsAtTheLimit(t *testing.T) {
	g := group(t, open(t, "pids"), Limits{Processes: 8})
	cmd := start(t, g, `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; wait`)
	t.Cleanup(func() { _ = cmd.Wait() })
	// dash gives up at the first fork that is refused.
	if err := cmd.Wait(); err == nil {
		t.Error("twelve processes were made under a limit of eight")
	}
	pids, err := g.Processes()
	if err != nil || len(pids) != 7 {
		t.Errorf("left in the group: %v, %v; want the 7 that fit beside the shell", pids, err)
	}
	if err := g.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// On every hybrid machine the unified hierarchy is there, with or without
// controllers: what needs none can be tried.
func TestVersion2HoldsAndKills(t *testing.T) {
	mounts, own, err := look()
	if err != nil {
		t.Fatal(err)
	}
	mounts = slices.DeleteFunc(mounts, func(m mount) bool { return !m.unified })
	tree, err := openTree(mounts, own, fmt.Sprintf("berth-test-v2-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	if tree.Describe() != "v2" {
		t.Skipf("no unified hierarchy can be had here: %v", tree.Problems)
	}
	g := group(t, tree, Limits{})
	cmd := start(t, g, `sleep 1000 & sleep 1000`)
	for pids := []int(nil); len(pids) < 3; { // until both are born
		if pids, err = g.Processes(); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended by itself")
	}
}
