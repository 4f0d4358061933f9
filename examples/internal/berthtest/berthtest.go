// Package berthtest runs an example in Berth, as its README says, so that the
// example's test can talk to it.
package berthtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Berth is a Berth that serves one example until its test ends.
type Berth struct {
	Gateways []string // base URLs of the template's APIs, without a stage
	Service  string   // base URL of Lambda's API

	t testing.TB
}

// patience is how long Berth may take to build an example and to serve it, and
// to end. A test that meets it has failed.
const patience = 2 * time.Minute

// Up runs the example in a folder, on ports that are free. args are further
// flags of berth up. The test fails if Berth doesn't serve, or doesn't end as it
// should.
func Up(t testing.TB, dir string, args ...string) *Berth {
	t.Helper()
	binary := Binary(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	var stderr bytes.Buffer
	args = append([]string{"up", dir, "--json", "--gateway", "127.0.0.1:0", "--service", "127.0.0.1:0"}, args...)
	up := exec.CommandContext(ctx, binary, args...)
	up.Stderr = &stderr
	up.Cancel = func() error { return up.Process.Signal(syscall.SIGINT) }
	up.WaitDelay = patience
	stdout, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan *Berth, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(ready)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if b := served(lines.Bytes()); b != nil {
				ready <- b
			}
		}
	}()
	t.Cleanup(func() {
		_ = up.Process.Signal(os.Interrupt) // it may have ended: Wait says how
		<-read
		if err := up.Wait(); err != nil {
			t.Errorf("berth up ended with %v\n%s", err, &stderr)
		}
	})
	b, ok := <-ready
	if !ok {
		t.Fatal("Berth ended before it served; see below")
	}
	b.t = t
	return b
}

// served reads the line by which Berth says that it serves, or returns nil.
func served(line []byte) *Berth {
	var ready struct {
		Event   string `json:"event"`
		Service string `json:"service"`
		Routes  []struct {
			ExampleURL string `json:"exampleUrl"`
		} `json:"routes"`
	}
	if json.Unmarshal(line, &ready) != nil || ready.Event != "ready" {
		return nil
	}
	b := &Berth{Service: ready.Service}
	for _, route := range ready.Routes {
		u, err := url.Parse(route.ExampleURL)
		if err != nil {
			continue
		}
		if base := u.Scheme + "://" + u.Host; !slices.Contains(b.Gateways, base) {
			b.Gateways = append(b.Gateways, base)
		}
	}
	return b
}
