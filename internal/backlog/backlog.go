// Package backlog holds what was accepted for later and is not done yet, such as
// asynchronous invocations, and decides whose turn is next.
//
// An event that [Backlog.Put] has taken is on the disk: it is handed out again
// after a crash, until [Backlog.Done] has removed it. So each event is handed
// out at least once, and twice only if the process ends between an invocation
// and its Done. The package knows nothing of functions' answers, retries' delays
// or destinations.
package backlog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/store"
)

// Config is how a backlog is worked off. Its zero value is a good one.
type Config struct {
	// InFlight is how many events may be handed out at once; 0 means 64. One
	// target and tenant gets at most half of them.
	InFlight int
}

// Backlog is safe for concurrent use.
type Backlog struct {
	store   *store.Store
	buckets buckets
	wake    chan struct{} // to Next: there is something new

	mu       sync.Mutex
	rotation *rotation
}

// Open returns the backlog that is kept in s under a name, with all that an
// earlier process has left in it.
func Open(s *store.Store, name string, cfg Config) (*Backlog, error) {
	b := &Backlog{
		store:    s,
		buckets:  bucketsOf(name),
		wake:     make(chan struct{}, 1),
		rotation: newRotation(cmp.Or(cfg.InFlight, 64)),
	}
	err := s.Update(func(tx *store.Tx) error {
		for _, name := range b.buckets.all() {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open the backlog: %w", err)
	}
	err = s.View(func(tx *store.Tx) error {
		return tx.Bucket(b.buckets.events).ForEach(func(key, value []byte) error {
			seq, e, err := decode(key, value)
			if err != nil {
				return err
			}
			if e.Failures == 0 {
				e.Due = time.Time{} // it is, even if the clock was set back meanwhile
			}
			b.rotation.add(e.lane(), entry{due: e.Due, seq: seq})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the backlog: %w", err)
	}
	return b, nil
}

// Put accepts an event that is due at once. When it returns without an error,
// the event is on the disk.
func (b *Backlog) Put(e Event, payload []byte) error {
	var visible func()
	err := b.store.Update(func(tx *store.Tx) (err error) {
		visible, err = b.Stage(tx, e, payload)
		return err
	})
	if err != nil {
		return fmt.Errorf("accept event %s: %w", e.RequestID, err)
	}
	visible()
	return nil
}

// Stage is Put within the caller's transaction. visible must be called when that
// is committed, and only then.
func (b *Backlog) Stage(tx *store.Tx, e Event, payload []byte) (visible func(), err error) {
	seq, err := b.buckets.insert(tx, stored{Event: e, Due: e.Accepted}, payload)
	if err != nil {
		return nil, err
	}
	return func() { b.add(e.lane(), entry{due: e.Accepted, seq: seq}) }, nil
}

func (b *Backlog) add(key laneKey, e entry) {
	b.mu.Lock()
	b.rotation.add(key, e)
	b.mu.Unlock()
	b.nudge()
}

// nudge has Next look again.
func (b *Backlog) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Claim is an event that was handed out. It ends with exactly one of Done, Retry
// and Postpone; a claim that ends with none is handed out again by the next
// process.
type Claim struct {
	Event   Event
	Payload []byte
	Result  []byte // what the last Retry was given; nil on the first attempt

	lane  *lane
	entry entry
}

// Next blocks until an event is due and there is a place for it, and hands it
// out. Its error is the cause of ctx's end, or that of the store. Only one
// goroutine may be in Next at a time.
func (b *Backlog) Next(ctx context.Context) (*Claim, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		b.mu.Lock()
		l, e, ok := b.rotation.next(time.Now())
		at, scheduled := b.rotation.nextDue()
		b.mu.Unlock()
		if ok {
			return b.load(&Claim{lane: l, entry: e})
		}
		if err := b.rest(ctx, at, scheduled); err != nil {
			return nil, err
		}
	}
}

// rest waits for something new, or until at if that is scheduled.
func (b *Backlog) rest(ctx context.Context, at time.Time, scheduled bool) error {
	var due <-chan time.Time
	if scheduled {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-b.wake:
	case <-due:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

func (b *Backlog) load(c *Claim) (*Claim, error) {
	key := number(c.entry.seq)
	err := b.store.View(func(tx *store.Tx) error {
		_, e, err := decode(key, tx.Bucket(b.buckets.events).Get(key))
		if err != nil {
			return err
		}
		c.Event = e.Event
		c.Payload = slices.Clone(tx.Bucket(b.buckets.payloads).Get(key))
		c.Result = slices.Clone(tx.Bucket(b.buckets.results).Get(key))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the backlog: %w", err)
	}
	return c, nil
}

// Done removes the event for good, together with what also writes in the same
// transaction; also may be nil. On an error the claim goes on.
func (b *Backlog) Done(c *Claim, also func(*store.Tx) error) error {
	err := b.store.Update(func(tx *store.Tx) error {
		if err := b.buckets.remove(tx, c.entry.seq); err != nil || also == nil {
			return err
		}
		return also(tx)
	})
	if err != nil {
		return fmt.Errorf("finish event %s: %w", c.Event.RequestID, err)
	}
	b.release(func(r *rotation) { r.reached(c.lane) })
	return nil
}

// Retry keeps the event for another attempt at the given time, as e says now,
// with result for the claim of then. On an error the claim goes on.
func (b *Backlog) Retry(c *Claim, e Event, at time.Time, result []byte) error {
	next := entry{due: at, seq: c.entry.seq}
	err := b.store.Update(func(tx *store.Tx) error {
		if err := b.buckets.update(tx, next.seq, stored{Event: e, Due: at}); err != nil {
			return err
		}
		return tx.Bucket(b.buckets.results).Put(number(next.seq), result)
	})
	if err != nil {
		return fmt.Errorf("keep event %s for a retry: %w", e.RequestID, err)
	}
	b.release(func(r *rotation) {
		r.reached(c.lane)
		r.add(e.lane(), next)
	})
	return nil
}

// Postpone gives the event back because its target could not be reached. Its
// target and tenant are tried again after a while, which grows. Nothing is
// written: a new process tries at once.
func (b *Backlog) Postpone(c *Claim) {
	b.release(func(r *rotation) { r.postpone(c.lane, c.entry, time.Now()) })
}

func (b *Backlog) release(how func(*rotation)) {
	b.mu.Lock()
	how(b.rotation)
	b.mu.Unlock()
	b.nudge()
}

// View is the backlog of one target and tenant.
type View struct {
	Target   string // ARN
	Tenant   function.TenantID
	Waiting  int
	InFlight int
	Next     time.Time // when the first one that waits is due; zero if none does
}

// Views shows the backlog, the longest one first.
func (b *Backlog) Views() []View {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]View, 0, len(b.rotation.lanes))
	for key, l := range b.rotation.lanes {
		v := View{Target: key.target, Tenant: function.TenantID(key.tenant), Waiting: len(l.waiting), InFlight: l.inFlight}
		if v.Waiting > 0 {
			v.Next = l.wake()
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b View) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Tenant, b.Tenant))
	})
	return all
}

// Len is how many events are not done.
func (b *Backlog) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.rotation.inUse
	for _, l := range b.rotation.lanes {
		n += len(l.waiting)
	}
	return n
}
