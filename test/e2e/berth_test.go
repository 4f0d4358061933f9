// Package e2e runs the berth command as its users do: a real process, real
// sandboxes, real clients.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/berthdev/berth/internal/platform" // so that go test runs again when what is tested has changed
)

// repository is the root of the checkout, as the tests see it.
const repository = "../.."

// binary is the berth command, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "berth-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "berth")
	out, err := exec.Command("go", "build", "-o", path, repository+"/cmd/berth").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build berth: %w\n%s", err, out)
	}
	return path, os.Chmod(dir, 0o755)
})

func TestMain(m *testing.M) {
	status := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(status)
}

// line is one line of berth up --json.
type line struct {
	Event       string
	Service     string
	Isolation   string
	Routes      []struct{ Path, ExampleURL string }
	Function    string
	TenantID    string
	Environment string
	RequestID   string
	Cold        bool
	Status      string
	ErrorType   string
	Line        string
	Text        string
	PeakBytes   int64
}

// berth is a running berth up.
type berth struct {
	t       *testing.T
	cmd     *exec.Cmd
	service string // base URLs
	gateway string
	ready   line

	mu     sync.Mutex
	more   *sync.Cond // there are more lines, or there will be none
	ended  bool
	lines  []line
	stderr bytes.Buffer
	read   sync.WaitGroup
	waited sync.Once
	err    error
}

// up starts berth on free ports and waits until it serves. It ends with the test.
func up(t *testing.T, template string, args ...string) *berth {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	b := &berth{t: t, cmd: exec.Command(path, append([]string{"up", template, "--json",
		"--gateway", "127.0.0.1:0", "--service", "127.0.0.1:0", "--state", t.TempDir()}, args...)...)}
	b.more = sync.NewCond(&b.mu)
	b.cmd.Stderr = &b.stderr
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan line, 1)
	b.read.Go(func() { b.follow(stdout, ready) })
	t.Cleanup(func() {
		_ = b.cmd.Process.Signal(os.Interrupt)
		b.wait()
	})
	select {
	case l, ok := <-ready:
		if !ok {
			b.wait()
			t.Fatalf("berth ended before it was ready: %v\n%s", b.err, &b.stderr)
		}
		b.ready, b.service = l, l.Service
		if len(l.Routes) > 0 {
			b.gateway = l.Routes[0].ExampleURL[:strings.Index(l.Routes[0].ExampleURL, "/Prod")]
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("berth was not ready after two minutes\n%s", &b.stderr)
	}
	return b
}

// follow reads what berth prints until it ends.
func (b *berth) follow(r io.Reader, ready chan<- line) {
	defer close(ready)
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			b.t.Errorf("berth printed %q, which is no JSON: %v", scanner.Text(), err)
			continue
		}
		b.mu.Lock()
		b.lines = append(b.lines, l)
		b.more.Broadcast()
		b.mu.Unlock()
		if l.Event == "ready" {
			ready <- l
		}
	}
	b.mu.Lock()
	b.ended = true
	b.more.Broadcast()
	b.mu.Unlock()
}

// waitFor blocks until berth has printed n lines of an event, and returns the
// last of them.
func (b *berth) waitFor(event string, n int) line {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		seen := 0
		for _, l := range b.lines {
			if l.Event == event {
				if seen++; seen == n {
					return l
				}
			}
		}
		if b.ended {
			b.t.Fatalf("berth ended before it printed %q %d times\n%s", event, n, &b.stderr)
		}
		b.more.Wait()
	}
}

// wait blocks until berth has ended, and returns how.
func (b *berth) wait() error {
	b.waited.Do(func() {
		b.read.Wait()
		b.err = b.cmd.Wait()
	})
	return b.err
}

// stop ends berth as Ctrl-C does.
func (b *berth) stop(signal os.Signal) error {
	if err := b.cmd.Process.Signal(signal); err != nil {
		return err
	}
	return b.wait()
}

// invocations are the lines about invocations, which berth must have ended for.
func (b *berth) invocations() []line {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []line
	for _, l := range b.lines {
		if l.Event == "invocation" {
			all = append(all, l)
		}
	}
	return all
}

// command runs berth to its end.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// get asks for url and returns status and body.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	status, body, err := fetch(url)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func fetch(url string) (int, string, error) {
	r, err := http.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return r.StatusCode, string(body), err
}

// environment is one of berth tenants --json.
type environment struct {
	ID       string
	TenantID string
	State    string
	PID      int
}

// environments are the live ones that belong to somebody.
func (b *berth) environments() []environment {
	b.t.Helper()
	_, body := get(b.t, b.service+"/_berth/environments")
	var status struct{ Environments []environment }
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		b.t.Fatalf("%v in %s", err, body)
	}
	return slices.DeleteFunc(status.Environments, func(e environment) bool { return e.State == "spare" })
}
