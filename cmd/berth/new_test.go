package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berthdev/berth/internal/scaffold"
)

// TestNewProjectAnswers types berth new and berth up, and asks what the project's
// README asks. With what the Go build cache holds after the first of them it may
// take half a minute from the first key to the answer.
func TestNewProjectAnswers(t *testing.T) {
	asks := map[string]func(t *testing.T, b *running) string{
		"hello": func(t *testing.T, b *running) string {
			return ask(t, http.MethodPost, b.service+"/2015-03-31/functions/Hello/invocations", `{"name":"Ada"}`)
		},
		"multitenant": func(t *testing.T, b *running) string {
			ask(t, http.MethodGet, b.gateway+"/Prod?tenant-id=alice", "")
			return ask(t, http.MethodGet, b.gateway+"/Prod?tenant-id=alice", "") + ask(t, http.MethodGet, b.gateway+"/Prod?tenant-id=bob", "")
		},
		"rest": func(t *testing.T, b *running) string {
			ask(t, http.MethodPut, b.gateway+"/Prod/notes/7", `{"text":"buy milk"}`)
			return ask(t, http.MethodGet, b.gateway+"/Prod/notes/7", "")
		},
		"stream": func(t *testing.T, b *running) string {
			return ask(t, http.MethodGet, b.gateway+"/?from=2", "")
		},
	}
	want := map[string]string{
		"hello":       `{"greeting":"Hello, Ada"}`,
		"multitenant": `{"tenantID":"alice","requestCount":2}` + "\n" + `{"tenantID":"bob","requestCount":1}` + "\n",
		"rest":        `{"id":"7","text":"buy milk"}` + "\n",
		"stream":      "2\n1\ncast off\n",
	}
	for _, kind := range scaffold.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			begin := time.Now()
			dir := filepath.Join(t.TempDir(), "shop")
			var out bytes.Buffer
			if status := run([]string{"new", dir, "--template", kind.Name}, terminal{out: &out, err: &out}); status != exitOK {
				t.Fatalf("berth new: exit status %d\n%s", status, &out)
			}
			b := up(t, dir)
			if got := asks[kind.Name](t, b); got != want[kind.Name] {
				t.Errorf("got %q, want %q", got, want[kind.Name])
			}
			if took := time.Since(begin); took > 30*time.Second {
				t.Errorf("from berth new to the answer it took %v", took)
			}
		})
	}
}

// running is a berth up that serves.
type running struct{ service, gateway string } // base URLs

// up runs berth up on a folder, in a process of its own, until the test ends.
func up(t *testing.T, dir string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	berth := filepath.Join(t.TempDir(), "berth") // by this name the test's binary is berth
	if err := os.Symlink(self, berth); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(berth, "up", dir, "--json", "--gateway", "127.0.0.1:0", "--service", "127.0.0.1:0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended: Wait says how
		_, _ = io.Copy(io.Discard, lines)
		if err := cmd.Wait(); err != nil {
			t.Errorf("berth up: %v\n%s", err, &stderr)
		}
	})
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatalf("berth up ended before it served: %v\n%s", err, &stderr)
		}
		var ready struct {
			Event, Service string
			Routes         []struct{ ExampleURL string }
		}
		if json.Unmarshal(line, &ready) != nil || ready.Event != "ready" {
			continue // of another event, whose fields may be of other kinds
		}
		b := &running{service: ready.Service}
		if len(ready.Routes) > 0 {
			u, err := url.Parse(ready.Routes[0].ExampleURL)
			if err != nil {
				t.Fatal(err)
			}
			b.gateway = u.Scheme + "://" + u.Host
		}
		return b
	}
}

// ask is the body of an answer.
func ask(t *testing.T, method, target, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Sprintf("%s: %s", response.Status, text)
	}
	return string(text)
}
