// Package fleet decides which execution environment serves an invocation.
//
// A [Fleet] keeps a pool of environments for each [Key], the pair of function
// version and tenant ID. An environment belongs to one key for its whole life:
// it is never lent to another. Spares are initialised and belong to nobody until
// an invocation adopts them. Idle environments are reused newest first, frozen
// after a while, and ended when they have been idle for long or when their room
// is needed. The package knows nothing of HTTP, templates or isolation.
package fleet

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
)

// Key says whose environments may serve an invocation.
type Key struct {
	Version *function.Version
	Tenant  function.TenantID // "" for a function without tenant isolation
}

// Config bounds a fleet. Its zero value is Lambda's own quotas, and adaptive
// spares.
type Config struct {
	// Concurrency is the number of invocations that may be under way at once;
	// 0 means 1,000. Source: AWS Lambda developer guide, gettingstarted-limits.
	Concurrency int
	// Environments is the number of environments, active or idle; 0 means 2,500
	// for every 1,000 of Concurrency. Source: AWS Lambda developer guide,
	// tenant-isolation.
	Environments int
	// TenantConcurrency is the number of invocations of one tenant of one function
	// that may be under way at once; 0 means no limit, as on Lambda.
	TenantConcurrency int
	// QueueTimeout is how long an invocation may wait for concurrency, in a queue
	// that serves tenants in turn; 0 means that it is refused at once, as Lambda
	// does.
	QueueTimeout time.Duration

	// Spares is the number of spares for each function with tenant isolation;
	// 0 means as many as new tenants came in the last ten seconds, from 1 to 8.
	// Negative means none.
	Spares int

	// IdleTimeout is how long an environment may be idle; 0 means until its room
	// is needed.
	IdleTimeout time.Duration
	// FreezeAfter is how long an environment is idle before it is frozen; 0 means
	// 100 ms, negative never.
	FreezeAfter time.Duration
	// Grace is how long an invocation waits for an environment of its key that
	// has answered and is not idle yet; 0 means 50 ms, negative not at all.
	Grace time.Duration
}

// Launch makes an environment for one version. suppressed marks an init that is
// done again within an invocation. changed is the environment's Config.Changed.
type Launch func(v *function.Version, suppressed bool, changed func(environment.State)) *environment.Environment

// Fleet is safe for concurrent use, once its [Fleet.Run] has a goroutine.
type Fleet struct {
	launch       Launch
	limits       limits
	concurrency  int
	queueTimeout time.Duration
	idleFor      time.Duration
	freezeAfter  time.Duration

	starts  chan *member  // to Run, which owns the environments' goroutines
	wake    chan struct{} // to Run: look again at idle environments and spares
	stopped chan struct{} // closed when Run starts no more environments

	mu      sync.Mutex
	pools   map[Key]*pool
	all     map[*member]struct{}
	idle    *list.List // of *member, least recently used first
	warm    int        // of them, those that are not frozen: they stand at its end
	quota   quota
	retired map[*function.Version]struct{}
	leaving []*member // forgotten, and for Run to end
	queue   queue
	spares  spares
}

// New returns an empty fleet. It starts nothing.
func New(launch Launch, cfg Config) *Fleet {
	concurrency := cmp.Or(cfg.Concurrency, 1000)
	return &Fleet{
		launch:      launch,
		concurrency: concurrency,
		limits: limits{
			environments: cmp.Or(cfg.Environments, max(1, concurrency*2500/1000)),
			tenant:       cfg.TenantConcurrency,
			grace:        cmp.Or(cfg.Grace, 50*time.Millisecond),
		},
		queueTimeout: cfg.QueueTimeout,
		idleFor:      cfg.IdleTimeout,
		freezeAfter:  cmp.Or(cfg.FreezeAfter, 100*time.Millisecond),
		starts:       make(chan *member),
		wake:         make(chan struct{}, 1),
		stopped:      make(chan struct{}),
		pools:        map[Key]*pool{},
		all:          map[*member]struct{}{},
		idle:         list.New(),
		retired:      map[*function.Version]struct{}{},
		quota:        newQuota(),
		queue:        newQueue(),
		spares:       newSpares(cfg.Spares),
	}
}

// ErrStopped is the answer of a fleet whose Run has ended.
var ErrStopped = errors.New("the fleet is stopping")

// Run starts environments, keeps spares, and freezes and ends idle environments
// until ctx ends; then it ends them all and returns. It owns every goroutine of
// the fleet.
func (f *Fleet) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(f.stopped)
	for {
		now := time.Now()
		for _, m := range f.dismissed(now) {
			m.env.End()
		}
		for _, m := range f.chilled(now) {
			wg.Go(m.env.Freeze)
		}
		for _, m := range f.missingSpares(now) {
			wg.Go(func() { m.env.Run(ctx) })
		}
		var next <-chan time.Time
		if at := f.nextDeadline(now); !at.IsZero() {
			next = time.After(at.Sub(now))
		}
		select {
		case m := <-f.starts:
			wg.Go(func() { m.env.Run(ctx) })
		case <-next:
		case <-f.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// nudge makes Run look again. It never blocks.
func (f *Fleet) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// tries bounds how often an invocation is placed: an environment may end
// between the decision and the hand-over, but not again and again.
const tries = 4

// Invoke has an environment of (v, inv.Tenant) serve inv, and returns its answer
// as soon as that is there. A *function.Refusal says why there is none; any
// other error is the machine's, or the cause of ctx's end.
func (f *Fleet) Invoke(ctx context.Context, v *function.Version, inv environment.Invocation) (*environment.Answer, error) {
	key := Key{Version: v, Tenant: inv.Tenant}
	suppressed := false
	for range tries {
		m, waited, err := f.acquire(ctx, key, suppressed)
		if err != nil {
			return nil, err
		}
		inv.Waited = waited
		failed, err := m.env.InitFailed()
		switch {
		case err != nil:
			return nil, err
		case failed && !suppressed:
			suppressed = true // Lambda does a failed init again, within the invocation
			continue
		}
		answer, err := m.env.Invoke(ctx, inv)
		if errors.Is(err, environment.ErrNotIdle) {
			continue // it has ended meanwhile, and has not seen the event
		}
		if err == nil && answer.Stream != nil {
			answer.Stream.OnEnd = func() { f.answered(m) }
		} else {
			f.answered(m)
		}
		return answer, err
	}
	return nil, fmt.Errorf("invoke %s: %d environments ended before they took the event", v.Name, tries)
}
