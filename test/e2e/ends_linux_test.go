package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// watch returns a function that waits until every process of b's environments
// is gone.
func watch(t *testing.T, b *berth) func() {
	t.Helper()
	var fds []unix.PollFd
	for _, e := range b.environments() {
		fd, err := unix.PidfdOpen(e.PID, 0)
		if err != nil {
			t.Fatalf("watch process %d: %v", e.PID, err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if len(fds) == 0 {
		t.Fatal("there is no environment to watch")
	}
	return func() {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for i := range fds {
			n, err := unix.Poll(fds[i:i+1], int(time.Until(deadline).Milliseconds()))
			for err == unix.EINTR {
				n, err = unix.Poll(fds[i:i+1], int(time.Until(deadline).Milliseconds()))
			}
			if err != nil || n != 1 {
				t.Errorf("an environment's process lives on: poll %d, %v", n, err)
			}
		}
	}
}

// leftovers are the folders, cgroups and mounts on this machine that berth made.
func leftovers(t *testing.T) []string {
	t.Helper()
	var all []string
	runs, err := filepath.Glob(filepath.Join("/tmp", fmt.Sprintf("berth-%d", os.Getuid()), "run-*"))
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, runs...)
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), "berth-") {
			all = append(all, path)
			return filepath.SkipDir
		}
		return nil
	})
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range strings.Split(string(mounts), "\n") {
		if strings.Contains(m, "berth") {
			all = append(all, m)
		}
	}
	return all
}

// load keeps n clients busy until stop is called.
func load(b *berth, n int) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			url := fmt.Sprintf("%s/Prod?tenant-id=tenant-%d", b.gateway, i)
			for {
				select {
				case <-done:
					return
				default:
				}
				r, err := http.Get(url)
				if err != nil {
					return // berth has gone
				}
				r.Body.Close()
			}
		})
	}
	return func() { close(done); wg.Wait() }
}

// However berth ends, no process of its environments lives on; and, but for
// kill -9, nothing else of it is left either.
func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		signal syscall.Signal
	}{
		{"Ctrl-C", syscall.SIGINT},
		{"SIGTERM", syscall.SIGTERM},
		{"a closed terminal", syscall.SIGHUP},
		{"kill -9", syscall.SIGKILL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := leftovers(t)
			b := up(t, repository+"/examples/multitenant")
			for i := range 8 {
				if status, body := get(t, fmt.Sprintf("%s/Prod?tenant-id=tenant-%d", b.gateway, i)); status != http.StatusOK {
					t.Fatalf("%d %s", status, body)
				}
			}
			gone := watch(t, b)
			stop := load(b, 8)
			err := b.stop(tt.signal)
			stop()
			gone()
			if tt.signal == syscall.SIGKILL {
				// The rest goes at the next start, and that one's with its end.
				b = up(t, repository+"/examples/multitenant")
				err = b.stop(syscall.SIGINT)
			}
			if err != nil {
				t.Errorf("berth ended with %v\n%s", err, &b.stderr)
			}
			if after := leftovers(t); len(after) > len(before) {
				t.Errorf("left behind:\n%s\nbefore it was:\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
		})
	}
}

func TestCtrlCDuringTheBuild(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "up", repository+"/examples/multitenant", "--json",
		"--gateway", "127.0.0.1:0", "--service", "127.0.0.1:0", "--state", t.TempDir())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	if first, err := out.ReadString('\n'); err != nil || !strings.Contains(first, "building") {
		t.Fatalf("it began with %q, %v", first, err)
	}
	_ = cmd.Process.Signal(os.Interrupt)
	giveUp := time.AfterFunc(30*time.Second, func() {
		t.Error("berth did not end within 30 s of Ctrl-C")
		_ = cmd.Process.Kill()
	})
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
	giveUp.Stop()
}
