package survival

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	long  = flag.Bool("long", false, "the long version of everything: a log of 1 GB")
	churn = flag.Duration("churn", time.Minute, "how long tenants come and go")
)

// state is what of a process may stay behind.
type state struct{ goroutines, descriptors int }

func look(t *testing.T) state {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return state{runtime.NumGoroutine(), len(fds)}
}

// places are where the Berth that runs in this process has its temporary files and
// its cgroups. Other Berths may run on the machine: theirs are not looked at.
func places(t *testing.T) []string {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		run, err := os.Readlink(fd) // Berth holds a lock on its folder
		if err != nil || !strings.HasPrefix(filepath.Base(run), "run-") {
			continue
		}
		cgroups, err := os.ReadFile(filepath.Join(run, "cgroups"))
		if err != nil {
			t.Fatal(err)
		}
		return append(strings.Fields(string(cgroups)), run)
	}
	t.Fatal("no Berth runs in this process")
	return nil
}

// nothingLeft fails if anything is there that was not there before, or any of the
// places, or something mounted there.
func nothingLeft(t *testing.T, before state, places []string) {
	t.Helper()
	noChildren(t)
	after := look(t)
	// The clients' connections end when their peer has: that takes a moment.
	for deadline := time.Now().Add(5 * time.Second); after.goroutines > before.goroutines && time.Now().Before(deadline); after = look(t) {
		runtime.Gosched()
	}
	if after.goroutines > before.goroutines {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines, before it were %d:\n%s", after.goroutines, before.goroutines, stacks[:runtime.Stack(stacks, true)])
	}
	if after.descriptors > before.descriptors {
		t.Errorf("%d descriptors, before it were %d", after.descriptors, before.descriptors)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range places {
		if _, err := os.Lstat(place); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("left behind: %s (%v)", place, err)
		}
		if strings.Contains(string(mounts), place) {
			t.Errorf("something is mounted at %s", place)
		}
	}
}

// noChildren fails if this process has a child: every environment's first process
// is one, and everything in an environment ends with it.
func noChildren(t *testing.T) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(lists) == 0 {
		t.Fatalf("this kernel lists no children: %v", err)
	}
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err == nil && len(b) > 0 {
			t.Errorf("these processes live on: %s", b)
		}
	}
}

// watchMemory samples the heap until the function that it returns is called, which
// says by how many bytes it has grown at most.
func watchMemory() func() uint64 {
	held := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	runtime.GC()
	before := held()
	most := before
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				most = max(most, held())
			}
		}
	})
	return func() uint64 {
		close(end)
		wg.Wait()
		return most - before
	}
}
