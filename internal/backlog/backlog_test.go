package backlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/store"
)

func openBacklog(t testing.TB, dir string) (*Backlog, *store.Store) {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests have closed it already
	b, err := Open(s, "async", Config{InFlight: 8})
	if err != nil {
		t.Fatal(err)
	}
	return b, s
}

func event(id, tenant string) Event {
	return Event{RequestID: id, Target: "arn:f", Tenant: function.TenantID(tenant), Accepted: time.Now()}
}

func put(t testing.TB, b *Backlog, e Event, payload string) {
	t.Helper()
	if err := b.Put(e, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func next(t testing.TB, b *Backlog) *Claim {
	t.Helper()
	c, err := b.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// nothing fails the test if an event is handed out now.
func nothing(t testing.TB, b *Backlog) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, e, ok := b.rotation.next(time.Now()); ok {
		t.Fatalf("event %d is handed out", e.seq)
	}
}

func TestAnEventIsHandedOutAsItCame(t *testing.T) {
	b, _ := openBacklog(t, t.TempDir())
	put(t, b, event("r1", "alice"), `{"n":1}`)
	c := next(t, b)
	if c.Event.RequestID != "r1" || c.Event.Target != "arn:f" || c.Event.Tenant != "alice" || string(c.Payload) != `{"n":1}` || c.Result != nil {
		t.Errorf("%+v, %s", c.Event, c.Payload)
	}
	if err := b.Done(c, nil); err != nil {
		t.Fatal(err)
	}
	if n := b.Len(); n != 0 {
		t.Errorf("%d events are left", n)
	}
}

// A process that ends hands over what is not done: what it never began, what was
// under way, and what waits for a retry with all that is known of it.
func TestWhatIsNotDoneOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	b, s := openBacklog(t, dir)
	for _, id := range []string{"done", "under way", "failed", "postponed", "waiting"} {
		put(t, b, event(id, id), id)
	}
	for range 4 {
		c := next(t, b)
		var err error
		switch c.Event.RequestID {
		case "done":
			err = b.Done(c, nil)
		case "failed":
			c.Event.Failures = 1
			err = b.Retry(c, c.Event, time.Now(), []byte("result"))
		case "postponed":
			b.Postpone(c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Close()

	b, _ = openBacklog(t, dir)
	var got []string
	for range 4 {
		c := next(t, b)
		got = append(got, fmt.Sprintf("%s %d %s", c.Payload, c.Event.Failures, c.Result))
		if string(c.Payload) != c.Event.RequestID || string(c.Event.Tenant) != c.Event.RequestID {
			t.Errorf("%+v has payload %s", c.Event, c.Payload)
		}
	}
	if want := "under way 0 |postponed 0 |waiting 0 |failed 1 result"; strings.Join(got, "|") != want {
		t.Errorf("handed out %s\nwant %s", strings.Join(got, "|"), want)
	}
}

func TestAnEventWaitsUntilItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := openBacklog(t, t.TempDir())
		put(t, b, event("r1", ""), "{}")
		c := next(t, b)
		begin := time.Now()
		if err := b.Retry(c, c.Event, begin.Add(time.Minute), nil); err != nil {
			t.Fatal(err)
		}
		c = next(t, b)
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("handed out after %v, want a minute", took)
		}
		begin = time.Now()
		b.Postpone(c)
		next(t, b)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("handed out after %v, want a second", took)
		}
	})
}

// Next is woken by whatever makes an event due: one that comes, and a place that
// becomes free.
func TestNextIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := openBacklog(t, t.TempDir())
		claims := make(chan *Claim)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				c, err := b.Next(ctx)
				if err != nil {
					return
				}
				claims <- c
			}
		}()
		var held []*Claim
		for i := range 5 {
			put(t, b, event(fmt.Sprint(i), ""), "{}")
		}
		for range 4 { // half of the places
			held = append(held, <-claims)
		}
		synctest.Wait()
		select {
		case c := <-claims:
			t.Fatalf("%+v was handed out without a place", c.Event)
		default:
		}
		if err := b.Done(held[0], nil); err != nil {
			t.Fatal(err)
		}
		if c := <-claims; c.Event.RequestID != "4" {
			t.Errorf("%+v", c.Event)
		}
		stop()
		<-ended
	})
}

func TestWhatIsStagedIsSeenOnlyAfterTheCommit(t *testing.T) {
	dir := t.TempDir()
	b, s := openBacklog(t, dir)
	errNo := errors.New("no")
	err := s.Update(func(tx *store.Tx) error {
		if _, err := b.Stage(tx, event("lost", ""), nil); err != nil {
			return err
		}
		return errNo
	})
	if !errors.Is(err, errNo) {
		t.Fatal(err)
	}
	nothing(t, b)

	put(t, b, event("first", ""), "")
	c := next(t, b)
	var visible func()
	err = b.Done(c, func(tx *store.Tx) (err error) {
		visible, err = b.Stage(tx, event("second", ""), nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	nothing(t, b)
	visible()
	if c := next(t, b); c.Event.RequestID != "second" {
		t.Errorf("%+v", c.Event)
	}
}

func TestAClaimGoesOnWhenItsEndCanNotBeWritten(t *testing.T) {
	b, s := openBacklog(t, t.TempDir())
	put(t, b, event("r1", ""), "{}")
	c := next(t, b)
	errNo := errors.New("no")
	if err := b.Done(c, func(*store.Tx) error { return errNo }); !errors.Is(err, errNo) {
		t.Fatal(err)
	}
	if b.Len() != 1 {
		t.Error("the event is gone")
	}
	if err := b.Done(c, nil); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if err := b.Put(event("r2", ""), nil); err == nil {
		t.Error("an event was accepted by a store that is closed")
	}
	if b.Len() != 0 {
		t.Error("an event that was refused is in the backlog")
	}
}

func TestTwoBacklogsInOneStore(t *testing.T) {
	b, s := openBacklog(t, t.TempDir())
	other, err := Open(s, "other", Config{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, event("r1", ""), "{}")
	nothing(t, other)
	if n := other.Len(); n != 0 {
		t.Errorf("the other one has %d events", n)
	}
}

func TestViews(t *testing.T) {
	b, _ := openBacklog(t, t.TempDir())
	for range 3 {
		put(t, b, event("r", "alice"), "{}")
	}
	put(t, b, event("r", "bob"), "{}")
	next(t, b)
	got := b.Views()
	if len(got) != 2 || got[0].Tenant != "alice" || got[0].Waiting != 2 || got[0].InFlight != 1 || got[1].Tenant != "bob" || got[1].Waiting != 1 {
		t.Errorf("%+v", got)
	}
}

// The memory of an event that waits, and the time to find it again.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	back, s := openBacklog(b, dir)
	const events = 100_000
	err := s.Update(func(tx *store.Tx) error {
		for i := range events {
			e := event(fmt.Sprint(i), fmt.Sprintf("tenant-%d", i%100))
			if _, err := back.Stage(tx, e, []byte(`{"n":1}`)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		again, err := Open(s, "async", Config{})
		if err != nil || again.Len() != events {
			b.Fatal(err, again.Len())
		}
	}
}

// An event's way through the backlog, with many senders at once.
func BenchmarkPutNextDone(b *testing.B) {
	s, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	back, err := Open(s, "async", Config{InFlight: 128})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	b.SetParallelism(64)
	go func() {
		defer close(done)
		ends := make(chan struct{}, 1<<20)
		n := 0
		for ; n < b.N; n++ {
			c, err := back.Next(b.Context())
			if err != nil {
				break
			}
			go func() {
				_ = back.Done(c, nil)
				ends <- struct{}{}
			}()
		}
		for range n {
			<-ends
		}
	}()
	payload := []byte(strings.Repeat("x", 256))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := back.Put(event("r", "alice"), payload); err != nil {
				b.Error(err)
			}
		}
	})
	<-done
}
