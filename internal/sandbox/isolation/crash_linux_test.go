package isolation_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox/isolation"
	"github.com/berthdev/berth/internal/sandbox/process"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
)

// crashVar names a folder of code. With it the test binary opens an isolation
// and starts a family of three processes in it; it is then killed.
const (
	crashVar  = "BERTH_ISOLATION_CRASH"
	driverVar = "BERTH_ISOLATION_DRIVER" // "process" for one that would not be taken here
)

// crash returns at once without the variable, and never with it.
func crash() {
	code, ok := os.LookupEnv(crashVar)
	if !ok {
		return
	}
	if err := crashOn(code); err != nil {
		fmt.Println(err)
	}
	os.Exit(1)
}

func crashOn(code string) error {
	i, err := isolation.Open(context.Background(), isolation.Config{})
	if err != nil {
		return err
	}
	if os.Getenv(driverVar) == isolation.Process {
		dirs, err := filepath.Glob(filepath.Join(os.TempDir(), "berth-*", "run-*"))
		if err != nil || len(dirs) != 1 {
			return fmt.Errorf("the run folder: %q, %w", dirs, err)
		}
		i.Name, i.Driver = isolation.Process, process.New(process.Config{Dir: dirs[0]})
	}
	spec := sandboxtest.Spec("family 3", code)
	spec.ID = "crash"
	p, err := i.Driver.Start(context.Background(), spec)
	if err != nil {
		return err
	}
	for range 3 {
		if _, err := p.RuntimeAPI.Accept(); err != nil {
			return err
		}
	}
	fmt.Println("running", i.Name)
	select {}
}

func TestNothingSurvivesAKill(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, cmd := range map[string]*exec.Cmd{
		isolation.Namespace: exec.CommandContext(t.Context(), exe),
		isolation.Landlock:  withoutNamespaces(t),
		isolation.Process:   exec.CommandContext(t.Context(), exe),
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			cmd.Env = append(os.Environ(), crashVar+"="+sandboxtest.Code(t), "TMPDIR="+base, driverVar+"="+name)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Skip(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || line != "running "+name+"\n" {
				t.Skipf("%s can't be had here: %q, %v", name, line, err)
			}
			tree := descendants(t, cmd.Process.Pid)
			if len(tree) < 3 {
				t.Fatalf("a family of three has %d members", len(tree))
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed: that is the error

			switch name {
			case isolation.Namespace:
				ended(t, tree) // at once, all of them
			default:
				ended(t, tree[:1]) // the main process at once; the rest below
			}
			// The next start clears away the rest.
			i, err := isolation.Open(t.Context(), isolation.Config{TempDir: base})
			if err != nil {
				t.Fatal(err)
			}
			if i.Left != nil {
				t.Error(i.Left)
			}
			ended(t, tree)
			if err := i.Close(); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
				t.Errorf("left in the temporary folder: %v, %v", left, err)
			}
			if left := cgroups(t, "crash"); len(left) > 0 {
				t.Errorf("left of the cgroups: %q", left)
			}
		})
	}
}

// descendants holds on to all processes below pid, its children first.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	parents := map[int]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if parents[n], err = strconv.Atoi(fields[1]); err != nil {
			t.Fatal(err)
		}
	}
	var fds []int
	generation := []int{pid}
	for len(generation) > 0 {
		var next []int
		for child, parent := range parents {
			if slices.Contains(generation, parent) {
				next = append(next, child)
				fd, err := unix.PidfdOpen(child, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = unix.Close(fd) })
				fds = append(fds, fd)
			}
		}
		generation = next
	}
	return fds
}

// ended waits for the end of each process, and fails if it doesn't come.
func ended(t *testing.T, pidfds []int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for i, fd := range pidfds {
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds()))
			if err == unix.EINTR {
				continue
			}
			if n != 1 {
				t.Fatalf("process %d of %d still runs: %v", i+1, len(pidfds), err)
			}
			break
		}
	}
}

func cgroups(t *testing.T, name string) []string {
	t.Helper()
	var found []string
	// A cgroup that goes away meanwhile is no error.
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && e.Name() == name {
			found = append(found, path)
		}
		return nil
	})
	return found
}
