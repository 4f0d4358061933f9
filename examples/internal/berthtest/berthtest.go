// Package berthtest runs an example in Berth, as its README says, so that the
// example's test can talk to it: a real process on free ports, which ends with
// the test.
package berthtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Berth is a berth up that serves.
type Berth struct {
	Service  string   // base URL of Lambda's API
	Gateways []string // base URLs of the template's doors, without a stage, in the order of berth's list

	t    testing.TB
	cmd  *exec.Cmd
	read sync.WaitGroup
	wait func() error // returns when berth has ended and all it printed is here

	mu      sync.Mutex
	lines   []Line
	arrived chan struct{} // closed and replaced when lines has grown, or no more come
	ended   bool
	stderr  bytes.Buffer
}

// Line is one line of berth up --json.
type Line struct {
	Event string // "ready", "log", "invocation", "notice", …

	// Of "ready".
	Service string
	Routes  []struct{ API, Path, ExampleURL string }

	// Of "log" and "invocation".
	Time        time.Time
	Function    string
	TenantID    string
	Environment string
	RequestID   string
	Line        string
	Status      string
	Cold        bool

	// Of "notice".
	Text string
}

// patience bounds every wait. A cold Go build cache is what takes longest.
const patience = 3 * time.Minute

// Up starts berth up on a template, a file or a folder, and returns when it
// serves. args are further flags. The test fails if Berth doesn't serve, or
// doesn't end as it should.
func Up(t testing.TB, template string, args ...string) *Berth {
	t.Helper()
	b := &Berth{t: t, arrived: make(chan struct{})}
	b.cmd = exec.Command(Binary(t), append([]string{"up", template, "--json",
		"--gateway", "127.0.0.1:0", "--service", "127.0.0.1:0"}, args...)...)
	b.cmd.Stderr = &b.stderr
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.read.Go(func() { b.follow(stdout) })
	b.wait = sync.OnceValue(func() error {
		b.read.Wait()
		return b.cmd.Wait()
	})
	t.Cleanup(b.Stop)
	ready := b.Await(func(l Line) bool { return l.Event == "ready" })
	b.Service = ready.Service
	for _, r := range ready.Routes {
		u, err := url.Parse(r.ExampleURL)
		if err != nil {
			t.Fatal(err)
		}
		if base := u.Scheme + "://" + u.Host; !slices.Contains(b.Gateways, base) {
			b.Gateways = append(b.Gateways, base)
		}
	}
	return b
}

// Stop ends Berth as Ctrl-C does, which the end of the test does by itself. All it
// printed is in Lines then.
func (b *Berth) Stop() {
	b.t.Helper()
	_ = b.cmd.Process.Signal(os.Interrupt) // it may have ended: wait says how
	if err := b.wait(); err != nil {
		b.t.Errorf("berth ended with %v\n%s", err, &b.stderr)
	}
}

// follow reads what berth prints until it ends.
func (b *Berth) follow(r io.Reader) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		l, err := parse(scanner.Bytes())
		if err != nil {
			b.t.Errorf("berth printed %q, which is no JSON: %v", scanner.Text(), err)
			continue
		}
		b.mu.Lock()
		b.lines = append(b.lines, l)
		b.wake()
		b.mu.Unlock()
	}
	b.mu.Lock()
	b.ended = true
	b.wake()
	b.mu.Unlock()
}

// parse reads one line. A notice has a number where a log has its text.
func parse(text []byte) (Line, error) {
	var kind struct{ Event, Text string }
	if err := json.Unmarshal(text, &kind); err != nil || kind.Event == "notice" {
		return Line{Event: kind.Event, Text: kind.Text}, err
	}
	var l Line
	err := json.Unmarshal(text, &l)
	return l, err
}

func (b *Berth) wake() {
	close(b.arrived)
	b.arrived = make(chan struct{})
}

// Await returns the first line, past or to come, that match accepts.
func (b *Berth) Await(match func(Line) bool) Line {
	b.t.Helper()
	giveUp := time.NewTimer(patience)
	defer giveUp.Stop()
	for seen := 0; ; {
		b.mu.Lock()
		fresh, ended, arrived := b.lines[seen:], b.ended, b.arrived
		b.mu.Unlock()
		if i := slices.IndexFunc(fresh, match); i >= 0 {
			return fresh[i]
		}
		seen += len(fresh)
		if ended {
			b.t.Fatalf("berth ended too early: %v\n%s", b.wait(), &b.stderr)
		}
		select {
		case <-arrived:
		case <-giveUp.C:
			b.t.Fatalf("the line did not come within %v", patience)
		}
	}
}

// AwaitLog returns the first line of the functions' logs that holds part.
func (b *Berth) AwaitLog(part string) Line {
	b.t.Helper()
	return b.Await(func(l Line) bool { return l.Event == "log" && strings.Contains(l.Line, part) })
}

// Lines are the lines so far.
func (b *Berth) Lines() []Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}
