package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/lambda/lambdahttp"
	"github.com/berthdev/berth/lambda/lambdatest"
)

// requests are the application's specification. It holds behind every door.
var requests = []struct {
	name, method, path, body string
	status                   int
	want                     string // in the body
}{
	{"the root", "GET", "/", "", 200, "GET /tides/{port}/{day}"},
	{"two parameters", "GET", "/tides/Rotterdam/2026-01-01", "", 200, `{"high":["00:50:00","13:15:00"],"port":"Rotterdam"}`},
	{"one parameter", "GET", "/tides/Rotterdam/", "", 200, `"port":"Rotterdam"`},
	{"a wrong parameter", "GET", "/tides/Rotterdam/today", "", 400, "today is not a day such as 2026-11-23"},
	{"a body", "POST", "/shout", `{"text":"ahoy"}`, 200, `{"text":"AHOY"}`},
	{"a wrong body", "POST", "/shout", `ahoy`, 400, "the body is not a text to shout"},
	{"a wrong method", "GET", "/shout", "", 405, ""},
	{"no such route", "GET", "/nowhere", "", 404, "404 page not found"},
}

func TestApp(t *testing.T) {
	app := newApp()
	for _, tt := range requests {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

func TestOnAnEvent(t *testing.T) {
	event, err := os.ReadFile("events/shout.json")
	if err != nil {
		t.Fatal(err)
	}
	f := lambdatest.Start(t, lambdahttp.Handler(newApp()))
	out, err := f.Invoke(t.Context(), lambdatest.Event{Payload: event})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		StatusCode        int
		Body              string
		MultiValueHeaders http.Header
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 200 || answer.Body != "{\"text\":\"AHOY\"}\n" || answer.MultiValueHeaders.Get("Set-Cookie") != "voice=hoarse; Path=/" {
		t.Errorf("answer %s", out)
	}
}

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	for _, tt := range requests {
		r := b.Do(tt.method, "/Prod"+tt.path, tt.body)
		if r.Status != tt.status || !strings.Contains(r.Body, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, r.Status, r.Body, tt.status, tt.want)
		}
	}
	if r := b.Do("GET", "/Prod/whereami", ""); !strings.Contains(r.Body, `"door":"REST API"`) || !strings.Contains(r.Body, `"stage":"Prod"`) {
		t.Errorf("whereami: %s", r.Body)
	}
}

// The binary that runs in Lambda is an ordinary server elsewhere.
func TestAsAPlainServer(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "webframework")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "ADDRESS=127.0.0.1:0", "AWS_LAMBDA_RUNTIME_API=")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first, err := bufio.NewReader(stderr).ReadString('\n')
	url := regexp.MustCompile(`http://\S+`).FindString(first)
	if err != nil || url == "" {
		t.Fatalf("it said %q, %v", first, err)
	}
	for _, tt := range requests {
		request, err := http.NewRequestWithContext(t.Context(), tt.method, url+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, r.StatusCode, tt.status)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
