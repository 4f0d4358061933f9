package sqs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/store"
)

const orders = "arn:aws:sqs:us-east-1:123456789012:orders"

func openQueues(t *testing.T, change func(*queue.Settings)) *Queues {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	q, err := Open(s, "us-east-1", "123456789012")
	if err != nil {
		t.Fatal(err)
	}
	settings := queue.Defaults("orders")
	change(&settings)
	if err := q.Put(settings); err != nil {
		t.Fatal(err)
	}
	return q
}

func sendText(t *testing.T, q *Queues, body string, delay time.Duration) {
	t.Helper()
	if _, err := q.Send(orders, queue.Message{Body: body}, delay); err != nil {
		t.Fatal(err)
	}
}

// received is what a receive gives, and after how long: "a b after 3s".
func receivedAfter(t *testing.T, q *Queues, ask Ask) string {
	t.Helper()
	begin := time.Now()
	got, err := q.Receive(t.Context(), orders, ask)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range got {
		all = append(all, r.Body)
	}
	return fmt.Sprintf("%s after %v", strings.Join(all, " "), time.Since(begin))
}

// Source: Amazon SQS developer guide, sqs-short-and-long-polling,
// sqs-delay-queues, sqs-visibility-timeout.
func TestWaiting(t *testing.T) {
	plain := func(*queue.Settings) {}
	ask := Ask{Max: 10, Hidden: -1, Wait: -1}
	waiting := Ask{Max: 10, Hidden: -1, Wait: 20 * time.Second}
	for _, tt := range []struct {
		name   string
		set    func(*queue.Settings)
		before func(*testing.T, *Queues)
		ask    Ask
		want   string
	}{
		{"an empty queue", plain, func(*testing.T, *Queues) {}, ask, " after 0s"},
		{"an empty queue, with patience", plain, func(*testing.T, *Queues) {}, waiting, " after 20s"},
		{"the queue's own patience", func(s *queue.Settings) { s.Wait = 5 * time.Second }, func(*testing.T, *Queues) {}, ask, " after 5s"},
		{"in order of arrival", plain, func(t *testing.T, q *Queues) {
			for i := range 12 {
				sendText(t, q, fmt.Sprint(i), -1)
			}
		}, ask, "0 1 2 3 4 5 6 7 8 9 after 0s"},
		{"a delayed message", plain, func(t *testing.T, q *Queues) { sendText(t, q, "a", 3*time.Second) }, waiting, "a after 3s"},
		{"a queue that delays", func(s *queue.Settings) { s.Delay = 7 * time.Second },
			func(t *testing.T, q *Queues) { sendText(t, q, "a", -1) }, waiting, "a after 7s"},
		{"a message that another has", plain, func(t *testing.T, q *Queues) {
			sendText(t, q, "a", -1)
			receivedAfter(t, q, Ask{Max: 1, Hidden: 4 * time.Second})
		}, waiting, "a after 4s"},
		{"a message that comes meanwhile", plain, func(t *testing.T, q *Queues) {
			time.AfterFunc(2*time.Second, func() { sendText(t, q, "a", -1) })
		}, waiting, "a after 2s"},
		{"a message that is too old", func(s *queue.Settings) { s.Retention = time.Minute }, func(t *testing.T, q *Queues) {
			sendText(t, q, "old", -1)
			time.Sleep(time.Minute + 1)
			sendText(t, q, "new", -1)
		}, ask, "new after 0s"},
		{"a message that is hidden for no time comes once", plain, func(t *testing.T, q *Queues) {
			sendText(t, q, "a", -1)
			sendText(t, q, "b", -1)
		}, Ask{Max: 10, Hidden: 0}, "a b after 0s"},
		{"a queue that was purged", plain, func(t *testing.T, q *Queues) {
			sendText(t, q, "a", -1)
			if err := q.Purge(orders); err != nil {
				t.Fatal(err)
			}
		}, ask, " after 0s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := openQueues(t, tt.set)
			tt.before(t, q)
			if got := receivedAfter(t, q, tt.ask); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		})
	}
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openQueues(t, func(*queue.Settings) {})
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		begin := time.Now()
		if got, err := q.Receive(ctx, orders, Ask{Max: 1, Wait: 20 * time.Second}); got != nil || err != nil || time.Since(begin) != time.Second {
			t.Errorf("a receiver that left: %v, %v after %v", got, err, time.Since(begin))
		}
		time.AfterFunc(time.Second, func() { _ = q.Drop("orders") })
		if _, err := q.Receive(t.Context(), orders, Ask{Max: 1, Wait: 20 * time.Second}); err != errNoQueue {
			t.Errorf("a queue that was deleted: %v", err)
		}
	})
}

// Queues are made and removed while others send: they share commits, and must not
// wait for one another.
func TestQueuesChangeWhileOthersSend(t *testing.T) {
	q := openQueues(t, func(*queue.Settings) {})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 50 {
				if _, err := q.Send(orders, queue.Message{Body: "x"}, -1); err != nil {
					t.Error(err)
				}
				name := fmt.Sprintf("q%d-%d", i, n)
				if err := q.Put(queue.Defaults(name)); err != nil {
					t.Error(err)
				}
				if err := q.Put(queue.Defaults("orders")); err != nil {
					t.Error(err)
				}
				if err := q.Drop(name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s, err := q.find("orders")
	if err != nil {
		t.Fatal(err)
	}
	if visible, _, _ := s.counts(time.Now()); visible != 200 || len(q.Names("")) != 1 {
		t.Errorf("%d messages in %v", visible, q.Names(""))
	}
}

// A receipt that could not be written has not happened.
func TestAReceiptThatIsNotWritten(t *testing.T) {
	q := openQueues(t, func(*queue.Settings) {})
	sendText(t, q, "a", -1)
	_ = q.store.Close()
	if got, err := q.Receive(t.Context(), orders, Ask{Max: 1, Hidden: time.Hour}); err == nil {
		t.Fatalf("%+v was received without being written", got)
	}
	s, err := q.find("orders")
	if err != nil {
		t.Fatal(err)
	}
	taken, _ := s.take(1, time.Hour, time.Now())
	if len(taken) != 1 || taken[0].Received != 1 {
		t.Errorf("the next receipt: %+v", taken)
	}
}
