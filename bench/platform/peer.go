package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// peer is a running server that the client calls.
type peer struct {
	name     string
	address  string // host:port
	function string
	tenants  bool // it is told whose call it is
	cmd      *exec.Cmd
	took     time.Duration // from its start to its readiness
	errors   *bytes.Buffer // what it has written to standard error
}

// stop ends the peer as Ctrl-C does, and waits until it has ended.
func (p peer) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	kill.Stop()
}

// startBerth runs berth up. Its output goes to /dev/null as a terminal would take
// it; that it is ready shows in its service answering.
func startBerth(ctx context.Context, w *workshop, args ...string) (peer, error) {
	service, err := freeAddress()
	if err != nil {
		return peer{}, err
	}
	p := peer{name: "berth", address: service, function: "Echo", tenants: true, errors: &bytes.Buffer{}}
	p.cmd = exec.CommandContext(ctx, w.berth, append([]string{"up", w.template, "--service", service, "--gateway", "127.0.0.1:0"}, args...)...)
	p.cmd.Stderr = p.errors
	return p, p.start(ctx)
}

// startEmulator runs AWS's emulator with the same function.
func startEmulator(ctx context.Context, w *workshop) (peer, error) {
	address, err := freeAddress()
	if err != nil {
		return peer{}, err
	}
	runtimeAPI, err := freeAddress()
	if err != nil {
		return peer{}, err
	}
	p := peer{name: "emulator", address: address, function: "function", tenants: true, errors: &bytes.Buffer{}}
	p.cmd = exec.CommandContext(ctx, w.emulator, "--log-level", "error", "--runtime-interface-emulator-address", address,
		"--runtime-api-address", runtimeAPI, w.dir+"/code/bootstrap")
	return p, p.start(ctx)
}

// start starts the command and waits until its address answers.
func (p *peer) start(ctx context.Context) error {
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	for {
		conn, err := net.Dial("tcp", p.address)
		if err == nil {
			p.took = time.Since(begin)
			return conn.Close()
		}
		if time.Since(begin) > patience || ctx.Err() != nil {
			p.stop()
			return fmt.Errorf("start %s: %w: %s", p.name, err, p.errors)
		}
		time.Sleep(time.Millisecond)
	}
}

// freeAddress is one of loopback's that nobody listens on at this moment.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// echoArgument makes this command the plain server.
const echoArgument = "serve-echo"

// startEcho runs net/http with a handler that gives back what it gets, in a
// process of its own: the least that an HTTP service in Go costs.
func startEcho(ctx context.Context) (peer, error) {
	self, err := os.Executable()
	if err != nil {
		return peer{}, err
	}
	p := peer{name: "echo", function: "echo", errors: &bytes.Buffer{}}
	p.cmd = exec.CommandContext(ctx, self, echoArgument)
	p.cmd.Stderr = p.errors
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return peer{}, err
	}
	if err := p.cmd.Start(); err != nil {
		return peer{}, fmt.Errorf("start the echo server: %w", err)
	}
	if p.address, err = bufio.NewReader(stdout).ReadString('\n'); err != nil {
		p.stop()
		return peer{}, fmt.Errorf("start the echo server: %w", err)
	}
	p.address = p.address[:len(p.address)-1]
	return p, nil
}

// beEcho is called first in main. It returns at once, unless this process was
// started to be the plain server.
func beEcho() {
	if len(os.Args) == 2 && os.Args[1] == echoArgument {
		fmt.Fprintln(os.Stderr, "platform:", serveEcho(os.Stdout))
		os.Exit(1)
	}
}

// serveEcho prints its address and serves until it is killed.
func serveEcho(out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // a client that has left needs no answer
	}))
}

// environment is a live one, as Berth tells.
type environment struct {
	State    string
	Frozen   bool
	PID      int
	TenantID string
}

// environments asks a Berth for those that live.
func (p peer) environments(ctx context.Context) ([]environment, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/_berth/environments", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var status struct{ Environments []environment }
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return nil, fmt.Errorf("read the environments: %w", err)
	}
	return status.Environments, nil
}

// settle waits until the environments are as they should be.
func (p peer) settle(ctx context.Context, what string, good func([]environment) bool) error {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(5 * time.Millisecond) {
		all, err := p.environments(ctx)
		if err != nil {
			return err
		}
		if good(all) {
			return nil
		}
	}
	return fmt.Errorf("after %v there is no %s", patience, what)
}

// startReady runs berth up and waits for its own word that it serves.
func startReady(ctx context.Context, w *workshop) (peer, error) {
	p := peer{name: "berth", function: "Echo", tenants: true, errors: &bytes.Buffer{}}
	p.cmd = exec.CommandContext(ctx, w.berth, "up", w.template, "--json", "--service", "127.0.0.1:0", "--gateway", "127.0.0.1:0")
	p.cmd.Stderr = p.errors
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return peer{}, err
	}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return peer{}, fmt.Errorf("start berth: %w", err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var l struct{ Event, Service string }
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Event == "ready" {
			p.took = time.Since(begin)
			p.address = strings.TrimPrefix(l.Service, "http://")
			return p, nil
		}
	}
	p.stop()
	return peer{}, fmt.Errorf("start berth: it ended before it served: %s", p.errors)
}
