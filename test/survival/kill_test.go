package survival

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/fleet"
)

// Fifty tenants call while their environments are killed at random. Every request
// gets exactly one answer, which is its own: what the function said, or that its
// environment ended. No function sees an event twice.
func TestEnvironmentsAreKilledUnderLoad(t *testing.T) {
	const tenants, calls = 50, 60
	before := look(t)
	b := start(t, fleet.Config{})
	where := places(t)
	var running atomic.Int64
	running.Store(tenants)
	answers := make([][]answer, tenants)
	var wg sync.WaitGroup
	for i := range tenants {
		wg.Go(func() {
			defer running.Add(-1)
			for range calls {
				a, err := b.invoke("Brief", fmt.Sprintf("tenant-%d", i), `{"do":"echo"}`)
				if err != nil {
					t.Errorf("a request of tenant-%d has no answer: %v", i, err)
					return
				}
				answers[i] = append(answers[i], a)
			}
		})
	}
	killed := 0
	for running.Load() > 0 {
		all, err := b.environments()
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			continue
		}
		if kill(t, b, all[rand.IntN(len(all))]) {
			killed++
		}
	}
	wg.Wait()
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}

	served, failed := 0, 0
	for i, list := range answers {
		for _, a := range list {
			died := `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + a.requestID + ` Error: Runtime exited with error: signal: killed"}`
			switch own := fmt.Sprintf(`"id":"%s","tenant":"tenant-%d"}`, a.requestID, i); {
			case a.status == http.StatusOK && !a.failed && strings.HasSuffix(a.payload, own):
				served++
			case a.status == http.StatusOK && a.failed && a.payload == died:
				failed++
			default:
				t.Errorf("request %s of tenant-%d: %d %s", a.requestID, i, a.status, a.payload)
			}
		}
	}
	for id, n := range b.seen.times {
		if n != 1 {
			t.Errorf("request %s was seen %d times", id, n)
		}
	}
	if b.seen.reports != tenants*calls {
		t.Errorf("%d reports of %d invocations", b.seen.reports, tenants*calls)
	}
	if killed < 10 || failed == 0 {
		t.Errorf("%d environments were killed, %d invocations noticed; that proves nothing", killed, failed)
	}
	t.Logf("%d environments killed; %d invocations served, %d lost their environment", killed, served, failed)
	nothingLeft(t, before, where)
}

// kill ends the process of an environment, and no other: its number may have been
// given to somebody else since Berth told it.
func kill(t *testing.T, b *berth, e environment) bool {
	t.Helper()
	if e.PID == 0 {
		return false
	}
	fd, err := unix.PidfdOpen(e.PID, 0)
	if err != nil {
		return false // it has ended
	}
	defer unix.Close(fd)
	all, err := b.environments()
	if err != nil {
		t.Fatal(err)
	}
	for _, now := range all {
		if now.ID == e.ID && now.PID == e.PID { // so the descriptor is its
			return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil
		}
	}
	return false
}
