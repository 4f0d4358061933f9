package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
)

// setting is a number from the environment, for runs that are longer than the
// usual one.
func setting(t *testing.T, name string, usual int) int {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// accepted is what senders were promised: the tenant by request ID.
type accepted struct {
	mu      sync.Mutex
	service string // where Berth is at this moment
	tenants map[string]string
	numbers map[string]int // in the order in which they were to be sent
	unsure  int            // sent without an answer: a kill came between
}

func (a *accepted) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.tenants)
}

// offer sends one event, again and again until it is accepted. Each try has a
// request ID of its own, so that what was not promised is not counted.
func (a *accepted) offer(ctx context.Context, c *http.Client, tenant string, n int) error {
	for ctx.Err() == nil {
		a.mu.Lock()
		base := a.service
		a.mu.Unlock()
		id := uuid.NewString()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/2015-03-31/functions/tenants/invocations", strings.NewReader(fmt.Sprintf(`{"n":%d}`, n)))
		if err != nil {
			return err
		}
		r.Header.Set("X-Amz-Invocation-Type", "Event")
		r.Header.Set("X-Amz-Tenant-Id", tenant)
		r.Header.Set("X-Amzn-Requestid", id)
		answer, err := c.Do(r)
		if err != nil { // it is dead, or was just killed
			a.mu.Lock()
			a.unsure++
			a.mu.Unlock()
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusAccepted {
			return fmt.Errorf("%s for an event of %s", answer.Status, tenant)
		}
		a.mu.Lock()
		a.tenants[id], a.numbers[id] = tenant, n
		a.mu.Unlock()
		return nil
	}
	return ctx.Err()
}

// TestAcceptedEventsSurviveKill kills Berth again and again while it accepts and
// works off events. Each event that was accepted ends exactly once: its record is
// written with the end itself. It may have been invoked more often: an invocation
// that was under way, or whose end was not on the disk yet, is begun again.
//
// The usual run is short. The long one, 100,000 events and 20 kills:
//
//	BERTH_EVENTS=100000 BERTH_KILLS=20 BERTH_TENANTS=100 go test ./test/e2e -run Kill -v -timeout 60m
func TestAcceptedEventsSurviveKill(t *testing.T) {
	events, kills, tenants := setting(t, "BERTH_EVENTS", 1000), setting(t, "BERTH_KILLS", 3), setting(t, "BERTH_TENANTS", 10)
	state := t.TempDir()
	b := up(t, "testdata/async", "--state", state)
	a := &accepted{service: b.service, tenants: map[string]string{}, numbers: map[string]int{}}

	const senders = 32
	transport := &http.Transport{MaxIdleConnsPerHost: senders}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	next := make(chan int)
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for n := range next {
				if err := a.offer(t.Context(), c, fmt.Sprintf("tenant-%d", n%tenants), n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Go(func() {
		defer close(next)
		for n := range events {
			next <- n
		}
	})

	begin := time.Now()
	invoked := map[string]int{} // invocations by request ID, as Berth told of them
	highest := map[string]int{} // number that was invoked, by tenant
	overtaken := 0              // first invocations that came after one of the same tenant that was sent later
	note := func() {
		for _, l := range b.invocations() {
			if invoked[l.RequestID]++; invoked[l.RequestID] > 1 {
				continue
			}
			a.mu.Lock()
			n, promised := a.numbers[l.RequestID]
			a.mu.Unlock()
			if promised && n < highest[l.TenantID] {
				overtaken++
			}
			highest[l.TenantID] = max(highest[l.TenantID], n)
		}
	}
	for kill := range kills {
		// The kills are spread over the sending and the working off.
		b.await(t, "more events", 10*time.Minute, func() bool { return a.count() >= events*(kill+1)/(kills+1) })
		if err := b.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = b.wait() // "signal: killed"
		note()
		b = up(t, "testdata/async", "--state", state)
		a.mu.Lock()
		a.service = b.service
		a.mu.Unlock()
	}
	sending.Wait()
	sent := time.Since(begin)

	ended := drain(t, b, a)
	took := time.Since(begin)
	if err := b.stop(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	note()

	byTenant := map[string]int{}
	for id, tenant := range a.tenants {
		e := ended[id]
		switch {
		case e.times == 0:
			t.Errorf("event %s of %s is lost", id, tenant)
		case e.times > 1:
			t.Errorf("event %s of %s has ended %d times", id, tenant, e.times)
		case e.tenant != tenant:
			t.Errorf("event %s of %s has ended as one of %s", id, tenant, e.tenant)
		}
		byTenant[tenant]++
	}
	again, unheard := 0, 0
	for id := range a.tenants {
		switch n := invoked[id]; {
		case n == 0:
			unheard++ // its line was on the way when Berth was killed
		default:
			again += n - 1
		}
	}
	if len(byTenant) != tenants {
		t.Errorf("%d tenants, want %d", len(byTenant), tenants)
	}
	t.Logf("%d events of %d tenants over %d kills: each has ended; %d were invoked again, %d came after one of their tenant's that was sent later",
		len(a.tenants), tenants, kills, again, overtaken)
	t.Logf("%d invocations were not told of before a kill, %d tries had no answer, and %d of those were accepted all the same",
		unheard, a.unsure, len(ended)-len(a.tenants))
	t.Logf("accepted in %v, all ended after %v", sent.Round(time.Millisecond), took.Round(time.Millisecond))
}

// end is how an event ended.
type end struct {
	times  int
	tenant string
}

// drain takes the records of all ends, until every accepted event has one.
func drain(t *testing.T, b *berth, a *accepted) map[string]end {
	t.Helper()
	c := queues(b)
	url := aws.String(b.service + "/123456789012/succeeded")
	var mu sync.Mutex
	ended := map[string]end{}
	missing := len(a.tenants)
	ctx, enough := context.WithTimeout(t.Context(), 10*time.Minute)
	defer enough()
	var taking sync.WaitGroup
	for range 8 {
		taking.Go(func() {
			for ctx.Err() == nil {
				out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 3600})
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				if len(out.Messages) == 0 {
					continue
				}
				var entries []sqstypes.DeleteMessageBatchRequestEntry
				mu.Lock()
				for _, m := range out.Messages {
					entries = append(entries, sqstypes.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
					var r record
					if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &r); err != nil {
						t.Error(err)
					}
					e := ended[r.RequestContext.RequestID]
					if _, promised := a.tenants[r.RequestContext.RequestID]; promised && e.times == 0 {
						missing--
					}
					e.times, e.tenant = e.times+1, r.ResponsePayload.Tenant
					ended[r.RequestContext.RequestID] = e
				}
				left := missing
				mu.Unlock()
				if _, err := c.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: entries}); err != nil {
					t.Error(err)
				}
				if left == 0 {
					enough()
				}
			}
		})
	}
	taking.Wait()
	return ended
}
