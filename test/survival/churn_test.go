package survival

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berthdev/berth/internal/fleet"
)

// Five hundred tenants come and go over room for a hundred environments: each call
// evicts somebody. Now and then a function ends, or uses up its time. When Berth
// has ended, nothing of all that is left.
func TestChurn(t *testing.T) {
	const tenants, clients = 500, 8
	before := look(t)
	b := start(t, fleet.Config{Concurrency: 40, IdleTimeout: 2 * time.Second})
	where := places(t)
	end := time.Now().Add(*churn)
	var mu sync.Mutex
	var served, ended, late, refused int
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				tenant := fmt.Sprintf("tenant-%d", rand.IntN(tenants))
				do := []string{"echo", "exit", "hang"}[max(0, rand.IntN(200)-197)]
				a, err := b.invoke("Brief", tenant, `{"do":"`+do+`"}`)
				mu.Lock()
				switch {
				case err != nil:
					t.Errorf("a request of %s has no answer: %v", tenant, err)
				case a.status == http.StatusTooManyRequests:
					refused++
				case do == "echo" && !a.failed && strings.Contains(a.payload, `"id":"`+a.requestID+`","tenant":"`+tenant+`"`):
					served++
				case do == "exit" && a.failed && strings.Contains(a.payload, "Runtime.ExitError"):
					ended++
				case do == "hang" && a.failed && strings.Contains(a.payload, "Sandbox.Timedout"):
					late++
				default:
					t.Errorf("%s for %s: %d %s", do, tenant, a.status, a.payload)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if refused > 0 { // eight clients never need more than eight of a hundred environments
		t.Errorf("%d requests were refused", refused)
	}
	if served < 10 {
		t.Errorf("%d requests were served", served)
	}
	t.Logf("%v: %d invocations served, %d exits, %d timeouts", *churn, served, ended, late)
	nothingLeft(t, before, where)
}
