// Package conformance holds one list of behaviours, and runs it over functions in
// Go, Python, Node, Rust and Java. Each stands on the runtime client that its
// language has for Lambda, as it is published: what works on Lambda works here.
//
// The functions are in testdata, all with the same verbs: an event's "do" says
// what to do. A language that this machine lacks is skipped; CI has them all.
package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// subject is one language's function, behind a running Berth. It is there twice:
// isolated, with 30 seconds, and under another name without tenants, with one.
type subject struct {
	*berth
	language
}

const (
	isolated = "Isolated"
	brief    = "Brief"
)

// event is what the functions take.
type event struct {
	Do    string `json:"do"`
	Value any    `json:"value,omitempty"`
	Text  string `json:"text,omitempty"`
	Size  int    `json:"size,omitempty"`
}

// ask has the function do something for a tenant, and wants an answer that is no
// error.
func (s *subject) ask(t *testing.T, tenant string, e event) answer {
	t.Helper()
	a := s.invoke(t, isolated, tenant, e)
	if a.failed {
		t.Fatalf("%s for %s: %s\n%s", e.Do, tenant, a.payload, strings.Join(a.log, "\n"))
	}
	return a
}

// behaviours is the list.
var behaviours = []struct {
	name  string
	check func(t *testing.T, s *subject)
}{
	{"an event reaches the function, and its answer the caller", echoes},
	{"text in every script passes unchanged", keepsUnicode},
	{"the function knows request, deadline, ARN and tenant", knowsItsInvocation},
	{"a function without isolation has no tenant", knowsNoTenant},
	{"the function has its own variables and none of the host's", hasItsVariables},
	{"an error has its message and its type", reportsErrors},
	{"a crash is told, and the next invocation has a new environment", survivesACrash},
	{"a timeout is told, and the next invocation works", survivesATimeout},
	{"the log has START, the function's lines, END and REPORT", logsInOrder},
	{"/tmp can be written, is kept, and is private", keepsTmpPrivate},
	{"an event of 6 MB arrives", takesLargeEvents},
	{"an answer of 6 MB and 100 bytes arrives, and one byte more does not", givesLargeAnswers},
	{"a tenant's environment is used again", isReused},
	{"two tenants have two processes", separatesTenants},
}

func TestConformance(t *testing.T) {
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			requirePrograms(t, l)
			dir := t.TempDir()
			code := filepath.Join(dir, "code")
			folder, err := built(t.Context(), l, code)
			if err != nil {
				t.Fatal(err)
			}
			s := &subject{up(t, writeTemplate(t, dir, folder, l)), l}
			for _, b := range behaviours {
				t.Run(b.name, func(t *testing.T) { b.check(t, s) })
			}
		})
	}
}

func writeTemplate(t *testing.T, dir, folder string, l language) string {
	t.Helper()
	template := fmt.Sprintf(`AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    CodeUri: %q
    Handler: %s
    Runtime: provided.al2023
    MemorySize: %d
    Environment:
      Variables:
        GREETING: hello
Resources:
  Isolated:
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties:
      FunctionName: Isolated
      Timeout: 30
      TenancyConfig: {TenantIsolationMode: PER_TENANT}
  Brief:
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties:
      FunctionName: Brief
      Timeout: 1
`, folder, l.handler, l.memoryMB)
	path := filepath.Join(dir, "template.yaml")
	if err := os.WriteFile(path, []byte(template), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func echoes(t *testing.T, s *subject) {
	for _, value := range []string{`{"id":7,"items":[1,2.5,-3],"paid":true}`, `[]`, `"text"`, `false`, `12345678901`} {
		a := s.ask(t, "alice", event{Do: "echo", Value: json.RawMessage(value)})
		var got, want any
		if err := json.Unmarshal([]byte(a.payload), &got); err != nil {
			t.Fatalf("%v in %s", err, a.payload)
		}
		if err := json.Unmarshal([]byte(value), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s came back as %s", value, a.payload)
		}
	}
}

func keepsUnicode(t *testing.T, s *subject) {
	const text = "Grüße, 日本語, עברית, 🚢⚓, e\u0301, \u2028, \"quoted\", back\\slash, \x01\t\n, </script>"
	a := s.ask(t, "alice", event{Do: "echo", Value: text})
	var got string
	if err := json.Unmarshal([]byte(a.payload), &got); err != nil || got != text {
		t.Errorf("%q came back as %q (%v)", text, got, err)
	}
}

func knowsItsInvocation(t *testing.T, s *subject) {
	const tenant = "team/alice+1 @example.com"
	a := s.ask(t, tenant, event{Do: "context"})
	var got struct {
		RequestID, ARN, TenantID string
		RemainingMs              int
	}
	if err := json.Unmarshal([]byte(a.payload), &got); err != nil {
		t.Fatalf("%v in %s", err, a.payload)
	}
	if got.RequestID != a.requestID || got.RequestID == "" {
		t.Errorf("the function knows request %q, the caller %q", got.RequestID, a.requestID)
	}
	if want := "arn:aws:lambda:us-east-1:123456789012:function:Isolated"; got.ARN != want {
		t.Errorf("ARN %q, want %q", got.ARN, want)
	}
	if got.TenantID != tenant {
		t.Errorf("tenant %q, want %q", got.TenantID, tenant)
	}
	if got.RemainingMs <= 0 || got.RemainingMs > 30_000 {
		t.Errorf("%d ms remain of 30 s", got.RemainingMs)
	}
}

func knowsNoTenant(t *testing.T, s *subject) {
	a := s.invoke(t, brief, "", event{Do: "context"})
	var got struct{ TenantID string }
	if err := json.Unmarshal([]byte(a.payload), &got); err != nil || got.TenantID != "" || a.failed {
		t.Errorf("answer %s (%v), want one without a tenant", a.payload, err)
	}
}

func hasItsVariables(t *testing.T, s *subject) {
	for name, want := range map[string]string{
		"GREETING": "hello", "AWS_LAMBDA_FUNCTION_NAME": isolated, "AWS_REGION": "us-east-1",
		"LAMBDA_TASK_ROOT": "/var/task", "BERTH_CONFORMANCE_SECRET": "",
	} {
		a := s.ask(t, "alice", event{Do: "environment", Text: name})
		var got string
		if err := json.Unmarshal([]byte(a.payload), &got); err != nil || got != want {
			t.Errorf("%s is %s, want %q", name, a.payload, want)
		}
	}
}

func reportsErrors(t *testing.T, s *subject) {
	a := s.invoke(t, isolated, "alice", event{Do: "error", Text: "no such order: 7 ≠ 8"})
	var got struct{ ErrorMessage, ErrorType string }
	if err := json.Unmarshal([]byte(a.payload), &got); err != nil {
		t.Fatalf("%v in %s", err, a.payload)
	}
	if !a.failed || got.ErrorMessage != "no such order: 7 ≠ 8" || got.ErrorType != s.errorType {
		t.Errorf("answer %s (function error: %v), want the function's message and type %s", a.payload, a.failed, s.errorType)
	}
	if last := a.log[len(a.log)-1]; !strings.HasPrefix(last, "REPORT RequestId: "+a.requestID) {
		t.Errorf("the log ends with %q", last)
	}
}

func survivesACrash(t *testing.T, s *subject) {
	const tenant = "carol"
	s.ask(t, tenant, event{Do: "count"})
	before := s.processes(t, tenant)
	a := s.invoke(t, isolated, tenant, event{Do: "exit"})
	// Source: AWS Lambda developer guide, lambda-runtime-environment.
	want := `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + a.requestID + ` Error: Runtime exited with error: exit status 1"}`
	if a.payload != want || !a.failed {
		t.Errorf("answer %s (function error: %v), want %s", a.payload, a.failed, want)
	}
	if last := a.log[len(a.log)-1]; !strings.HasSuffix(last, "\tStatus: error\tError Type: Runtime.ExitError") {
		t.Errorf("the log ends with %q", last)
	}
	if got := s.ask(t, tenant, event{Do: "count"}).payload; got != "1" {
		t.Errorf("the environment after the crash has served %s invocations, want 1", got)
	}
	if after := s.processes(t, tenant); len(after) != 1 || slices.Contains(before, after[0]) {
		t.Errorf("processes %v before the crash, %v after", before, after)
	}
}

func survivesATimeout(t *testing.T, s *subject) {
	a := s.invoke(t, brief, "", event{Do: "hang"})
	want := `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + a.requestID + ` Error: Task timed out after 1.00 seconds"}`
	if a.payload != want || !a.failed {
		t.Errorf("answer %s (function error: %v), want %s", a.payload, a.failed, want)
	}
	if last := a.log[len(a.log)-1]; !strings.HasSuffix(last, "\tStatus: timeout") {
		t.Errorf("the log ends with %q", last)
	}
	if next := s.invoke(t, brief, "", event{Do: "count"}); next.failed || next.payload != "1" {
		t.Errorf("the next invocation: %s", next.payload)
	}
}

func logsInOrder(t *testing.T, s *subject) {
	s.ask(t, "dave", event{Do: "count"})
	a := s.ask(t, "dave", event{Do: "print", Text: "first ✓\nsecond\n\nlast\n"})
	want := []string{"START RequestId: " + a.requestID + " Version: $LATEST", "first ✓", "second", "", "last", "END RequestId: " + a.requestID}
	if len(a.log) != len(want)+1 || !slices.Equal(a.log[:len(want)], want) || !strings.HasPrefix(a.log[len(want)], "REPORT RequestId: "+a.requestID+"\tDuration: ") {
		t.Errorf("log:\n%s", strings.Join(a.log, "\n"))
	}
}

func keepsTmpPrivate(t *testing.T, s *subject) {
	s.ask(t, "alice", event{Do: "write", Text: "alice's"})
	for tenant, want := range map[string]string{"alice": `"alice's"`, "bob": "null"} {
		if got := s.ask(t, tenant, event{Do: "read"}).payload; got != want {
			t.Errorf("%s reads %s, want %s", tenant, got, want)
		}
	}
}

func takesLargeEvents(t *testing.T, s *subject) {
	const limit = 6 << 20 // Source: AWS Lambda developer guide, gettingstarted-limits
	frame := len(`{"do":"length","text":""}`)
	if got := s.ask(t, "alice", event{Do: "length", Text: strings.Repeat("x", limit-frame)}).payload; got != fmt.Sprint(limit-frame) {
		t.Errorf("the function has got %s bytes of %d", got, limit-frame)
	}
}

func givesLargeAnswers(t *testing.T, s *subject) {
	const limit = 6<<20 + 100
	if got := len(s.ask(t, "alice", event{Do: "large", Size: limit - 2}).payload); got != limit {
		t.Errorf("%d bytes have arrived of %d", got, limit)
	}
	a := s.invoke(t, isolated, "alice", event{Do: "large", Size: limit - 1})
	want := `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`
	if a.payload != want || !a.failed {
		t.Errorf("answer %.300s (function error: %v), want %s", a.payload, a.failed, want)
	}
	s.ask(t, "alice", event{Do: "count"})
}

func isReused(t *testing.T, s *subject) {
	for i := range 5 {
		if got, want := s.ask(t, "erin", event{Do: "count"}).payload, fmt.Sprint(i+1); got != want {
			t.Errorf("invocation %s was the environment's %s", want, got)
		}
	}
	if pids := s.processes(t, "erin"); len(pids) != 1 {
		t.Errorf("%d processes, want 1", len(pids))
	}
}

func separatesTenants(t *testing.T, s *subject) {
	for _, tenant := range []string{"frank", "grace"} {
		if got := s.ask(t, tenant, event{Do: "count"}).payload; got != "1" {
			t.Errorf("%s's first invocation was the environment's %s", tenant, got)
		}
	}
	frank, grace := s.processes(t, "frank"), s.processes(t, "grace")
	if len(frank) != 1 || len(grace) != 1 || frank[0] == grace[0] {
		t.Errorf("frank's processes %v, grace's %v; want one each, and not the same", frank, grace)
	}
}
