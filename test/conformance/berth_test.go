package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// binary is the berth command, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "berth-conformance-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "berth")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/berth").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build berth: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(status)
}

// berth is a running berth up.
type berth struct{ service string } // base URL of Lambda's API

// up starts berth on a free port and waits until it serves. It ends with the test.
func up(t *testing.T, template string) *berth {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(path, "up", template, "--json", "--gateway", "127.0.0.1:0", "--service", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "BERTH_CONFORMANCE_SECRET=the host's")
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(ready)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var l struct{ Event, Service string }
			if json.Unmarshal(lines.Bytes(), &l) == nil && l.Event == "ready" {
				ready <- l.Service
			}
		}
	})
	end := sync.OnceFunc(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		reading.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("berth ended with %v\n%s", err, &stderr)
		}
	})
	t.Cleanup(end)
	service, ok := <-ready
	if !ok {
		end()
		t.FailNow()
	}
	return &berth{service}
}

// answer is what Lambda's API answered.
type answer struct {
	payload   string
	failed    bool // it is a function error
	requestID string
	log       []string // the lines of the log's tail
}

// invoke invokes a function and fails the test if Lambda's API refuses.
func (b *berth) invoke(t *testing.T, function, tenant string, event any) answer {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.service+"/2015-03-31/functions/"+function+"/invocations", bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Log-Type", "Tail")
	if tenant != "" {
		r.Header.Set("X-Amz-Tenant-Id", tenant)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", resp.Status, body)
	}
	log, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
	if err != nil {
		t.Fatal(err)
	}
	return answer{
		payload: string(body), failed: resp.Header.Get("X-Amz-Function-Error") == "Unhandled",
		requestID: resp.Header.Get("X-Amzn-Requestid"),
		log:       strings.Split(strings.TrimSuffix(string(log), "\n"), "\n"),
	}
}

// processes are those of a tenant's environments.
func (b *berth) processes(t *testing.T, tenant string) []int {
	t.Helper()
	resp, err := http.Get(b.service + "/_berth/environments")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var status struct {
		Environments []struct {
			TenantID string
			PID      int
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range status.Environments {
		if e.TenantID == tenant {
			pids = append(pids, e.PID)
		}
	}
	return pids
}
