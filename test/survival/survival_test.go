// Package survival holds what Berth must live through: functions that do their
// worst to the machine and to the Runtime API, environments that are killed under
// load, and tenants that come and go for a long time. What the tenant gets is
// defined for each, and no other tenant notices.
package survival

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berthdev/berth/internal/fleet"
	"github.com/berthdev/berth/internal/sandbox/namespace"
)

func TestMain(m *testing.M) {
	namespace.Stage()
	os.Exit(m.Run())
}

// attacks are what tenant mallory does, and what becomes of it. REQUEST stands for
// the request ID. Source of the answers: AWS Lambda developer guide,
// lambda-runtime-environment and runtimes-api.
var attacks = []struct {
	name, function, event string
	answer                string // a regular expression
	said                  string // what the function says that the Runtime API told it; "" if it doesn't ask
}{
	{"fork bomb", "Ample", `{"do":"forks","size":3000}`, `{"done":(9\d\d|10[0-3]\d),"refused":true}`, ""},
	{"10,000 threads", "Ample", `{"do":"threads","size":10000}`, exited("exit status 2"), ""},
	{"memory bomb", "Brief", `{"do":"memory","size":4096}`,
		`{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: REQUEST Error: Runtime exited with error: signal: killed"}`, ""},
	{"full disk", "Ample", `{"do":"disk","size":1000}`, `{"done":5(09|10|11|12),"refused":true}`, ""},
	{"descriptor exhaustion", "Brief", `{"do":"descriptors","size":5000}`, `{"done":10[012]\d,"refused":true}`, ""},
	{"spinning CPU", "Brief", `{"do":"spin"}`, timedOut, ""},
	{"a function that ignores SIGTERM", "Deaf", `{"do":"hang"}`, timedOut, ""},
	{"a function that closes its socket", "Brief", `{"do":"hangup"}`, timedOut, ""},
	{"garbage", "Brief", `{"do":"garbage"}`, exited(""), "the Runtime API said HTTP/1.1 400 Bad Request"},
	{"half an answer", "Brief", `{"do":"half"}`, exited(""), "the Runtime API said HTTP/1.1 400 Bad Request"},
	{"an answer to another's request", "Brief", `{"do":"stranger"}`, `400`, ""},
	{"two answers", "Brief", `{"do":"twice"}`, `"the first"`, "the second got 403 <nil>"},
	{"a function that never asks for the next", "Brief", `{"do":"never"}`, `{"count":\d+,"id":"REQUEST","tenant":"mallory"}`, ""},
	{"an exit without a reason", "Brief", `{"do":"exit"}`, exited(""), ""},
}

const timedOut = `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: REQUEST Error: Task timed out after 1.00 seconds"}`

func exited(how string) string {
	words := "Runtime exited without providing a reason"
	if how != "" {
		words = "Runtime exited with error: " + how
	}
	return `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: REQUEST Error: ` + words + `"}`
}

func TestAttacks(t *testing.T) {
	b := start(t, fleet.Config{})
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			watched := watch(t, b)
			got, err := b.invoke(a.function, "mallory", a.event)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(got.payload, got.requestID, "REQUEST")
			if !regexp.MustCompile("^"+a.answer+"$").MatchString(text) || got.status != 200 {
				t.Errorf("answer %d %s, want %s", got.status, text, a.answer)
			}
			// Whatever became of the environment, the tenant has one again.
			if _, err := b.echo(a.function, "mallory"); err != nil {
				t.Errorf("the next invocation: %v", err)
			}
			watched()
			if a.said != "" {
				b.seen.expect(t, a.said)
			}
		})
	}
}

// expect fails unless a function has said so, since the last time.
func (s *sink) expect(t *testing.T, line string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.said, line) {
		t.Errorf("the function said %q, want %q", s.said, line)
	}
	s.said = nil
}

// watch has a neighbour call all the while, until the function that it returns is
// called. The neighbour notices nothing if it is always answered, in time, by one
// environment.
func watch(t *testing.T, b *berth) (done func()) {
	t.Helper()
	const tenant = "neighbour"
	first, err := b.echo("Brief", tenant)
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	var wg sync.WaitGroup
	var times []time.Duration
	wg.Go(func() {
		for count := first.Count + 1; ; count++ {
			select {
			case <-end:
				if len(times) >= 20 {
					return
				}
			case <-time.After(5 * time.Millisecond): // it is a neighbour, and no attacker
			}
			begin := time.Now()
			got, err := b.echo("Brief", tenant)
			times = append(times, time.Since(begin))
			if err != nil || got.Count != count {
				t.Errorf("the neighbour's call: %+v, %v; want number %d of one environment", got, err, count)
				return
			}
		}
	})
	return func() {
		close(end)
		wg.Wait()
		slices.Sort(times)
		t.Logf("the neighbour made %d calls: p50 %v, p99 %v", len(times), times[len(times)/2], times[len(times)*99/100])
	}
}

// A function that floods the log gets all of it through, and Berth does not keep
// it in memory.
func TestLogFlood(t *testing.T) {
	megabytes := 50
	if *long {
		megabytes = 1000
	}
	b := start(t, fleet.Config{})
	watched := watch(t, b)
	before := b.seen.count()
	held := watchMemory()
	a, err := b.invoke("Ample", "mallory", fmt.Sprintf(`{"do":"flood","size":%d}`, megabytes))
	if err != nil {
		t.Fatal(err)
	}
	// The answer is there before the log has been read.
	for b.seen.count()-before < megabytes*1000 {
		if _, err := b.echo("Brief", "mallory"); err != nil {
			t.Fatal(err)
		}
	}
	grown := held()
	watched()
	if want := fmt.Sprint(megabytes * 1000); a.payload != want || a.failed {
		t.Errorf("answer %s, want %s", a.payload, want)
	}
	const most = 32 << 20
	if grown > most {
		t.Errorf("Berth's memory grew by %d MB over a log of %d", grown>>20, megabytes)
	}
	t.Logf("Berth's memory grew by %d KB over a log of %d MB", grown>>10, megabytes)
}

// count is how many lines functions have written but for those that say "seen".
func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := 0
	for _, n := range s.times {
		seen += n
	}
	return s.lines - seen
}

// Once an environment has ignored SIGTERM for 500 ms it is killed.
func TestDeafEnvironmentsEndWithBerth(t *testing.T) {
	b := start(t, fleet.Config{})
	for i := range 5 {
		if _, err := b.echo("Deaf", fmt.Sprintf("tenant-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Berth needed %v to end", took)
	}
	noChildren(t)
}
