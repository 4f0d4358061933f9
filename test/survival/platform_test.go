package survival

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berthdev/berth/internal/fleet"
	"github.com/berthdev/berth/internal/platform"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/isolation"
	"github.com/berthdev/berth/internal/telemetry"
	"github.com/berthdev/berth/internal/template"
)

// berth is a platform that runs inside of the test, so that what is left of it can
// be counted: goroutines and descriptors as well as processes and mounts.
type berth struct {
	service string // base URL of Lambda's API
	client  *http.Client
	seen    *sink
	stop    func() error // ends it, and returns when nothing is under way any more
}

// start runs the hostile functions. It ends with the test.
func start(t *testing.T, bounds fleet.Config) *berth {
	t.Helper()
	if i, err := isolation.Open(t.Context(), isolation.Config{Weakest: isolation.Namespace}); err != nil {
		t.Skip(err)
	} else if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	b := &berth{seen: &sink{ready: make(chan platform.Summary, 1), times: map[string]int{}}}
	ctx, cancel := context.WithCancel(context.Background())
	p, err := platform.Open(ctx, platform.Config{
		Template: writeTemplate(t), Gateway: "127.0.0.1:0", Service: "127.0.0.1:0",
		Isolation: isolation.Namespace, Network: sandbox.NetworkNone, Fleet: bounds,
		Async:    platform.AsyncConfig{State: t.TempDir()},
		Observer: b.seen, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var failed error
	wg.Go(func() { failed = p.Run(ctx) })
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	b.client = &http.Client{Transport: transport, Timeout: 2 * time.Minute}
	b.stop = sync.OnceValue(func() error {
		cancel()
		wg.Wait()
		transport.CloseIdleConnections()
		return failed
	})
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Errorf("Berth ended with %v", err)
		}
	})
	b.service = (<-b.seen.ready).Service
	return b
}

// writeTemplate builds the function and writes a template that has it three times.
func writeTemplate(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "code", "bootstrap"), "./testdata/hostile")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the function: %v\n%s", err, out)
	}
	path := filepath.Join(dir, "template.yaml")
	if err := os.WriteFile(path, []byte(`AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    CodeUri: code
    Handler: bootstrap
    Runtime: provided.al2023
    TenancyConfig: {TenantIsolationMode: PER_TENANT}
Resources:
  Brief: # little time, little memory
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties: {FunctionName: Brief, Timeout: 1, MemorySize: 128}
  Ample: # time and memory enough to meet the other limits
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties: {FunctionName: Ample, Timeout: 60, MemorySize: 1024}
  Deaf: # has an extension, and ignores SIGTERM
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties: {FunctionName: Deaf, Timeout: 1, MemorySize: 128, Environment: {Variables: {DEAF: "1"}}}
`), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// sink follows what the environments say.
type sink struct {
	ready chan platform.Summary

	mu      sync.Mutex
	times   map[string]int // how often a function has said to have seen a request
	lines   int            // of functions
	reports int
	ends    []telemetry.Report // of environments that ended with an invocation
	said    []string           // the last lines of functions that say what the Runtime API said
}

func (s *sink) Noticed(template.Notice)        {}
func (s *sink) Building(string, string)        {}
func (s *sink) Built(string, time.Duration)    {}
func (s *sink) Failed(error)                   {}
func (s *sink) Reloaded(string, time.Duration) {}
func (s *sink) Ready(sum platform.Summary)     { s.ready <- sum }

func (s *sink) Log(r telemetry.Record) {
	if r.Origin != telemetry.Function {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines++
	if id, ok := strings.CutPrefix(r.Line, "seen "); ok {
		s.times[id]++
	} else if strings.HasPrefix(r.Line, "the ") {
		s.said = append(s.said, r.Line)
	}
}

func (s *sink) Report(r telemetry.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports++
	if r.Ended {
		s.ends = append(s.ends, r)
	}
}

// answer is what Lambda's API answered.
type answer struct {
	status    int
	payload   string
	failed    bool // it is a function error
	requestID string
}

// invoke has a function do something for a tenant. The error is the connection's.
func (b *berth) invoke(function, tenant, event string) (answer, error) {
	r, err := http.NewRequest(http.MethodPost, b.service+"/2015-03-31/functions/"+function+"/invocations", strings.NewReader(event))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("X-Amz-Tenant-Id", tenant)
	resp, err := b.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{
		status: resp.StatusCode, payload: string(body), requestID: resp.Header.Get("X-Amzn-Requestid"),
		failed: resp.Header.Get("X-Amz-Function-Error") != "",
	}, err
}

// echoed is what the function answers to "echo".
type echoed struct {
	ID, Tenant string
	Count      int
}

// echo invokes a function that does its work, and checks whose answer came.
func (b *berth) echo(function, tenant string) (echoed, error) {
	a, err := b.invoke(function, tenant, `{"do":"echo"}`)
	if err != nil {
		return echoed{}, err
	}
	var e echoed
	if err := json.NewDecoder(bytes.NewReader([]byte(a.payload))).Decode(&e); err != nil || a.failed {
		return e, fmt.Errorf("%d %s", a.status, a.payload)
	}
	if e.Tenant != tenant || e.ID != a.requestID {
		return e, fmt.Errorf("request %s of %s got the answer of %s, %s's", a.requestID, tenant, e.ID, e.Tenant)
	}
	return e, nil
}

// environment is a live one.
type environment struct {
	ID       string
	TenantID string
	State    string
	PID      int
}

func (b *berth) environments() ([]environment, error) {
	resp, err := b.client.Get(b.service + platform.StatusPath)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var status struct{ Environments []environment }
	return status.Environments, json.NewDecoder(resp.Body).Decode(&status)
}
