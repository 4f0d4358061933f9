// Package fleet decides which execution environment serves an invocation.
//
// A [Fleet] keeps a pool of environments for each [Key], the pair of function
// version and tenant ID. An environment belongs to one key for its whole life:
// it is never lent to another. Idle ones are reused newest first, and ended when
// they have been idle for long or when their room is needed. It knows nothing of
// HTTP, templates or isolation.
package fleet

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"slices"
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

// Config bounds a fleet. Its zero value is Lambda's own quotas.
type Config struct {
	// Concurrency is the number of invocations that may be under way at once;
	// 0 means 1,000. Source: AWS Lambda developer guide, gettingstarted-limits.
	Concurrency int
	// Environments is the number of environments, active or idle; 0 means 2,500
	// for every 1,000 of Concurrency. Source: AWS Lambda developer guide,
	// tenant-isolation.
	Environments int
	// IdleTimeout is how long an environment may be idle; 0 means until its room
	// is needed.
	IdleTimeout time.Duration
	// Grace is how long an invocation waits for an environment of its key that
	// has answered and is not idle yet; 0 means 50 ms, negative not at all.
	Grace time.Duration
}

// Launch makes an environment for one version. suppressed marks an init that is
// done again within an invocation. changed is the environment's Config.Changed.
type Launch func(v *function.Version, suppressed bool, changed func(environment.State)) *environment.Environment

// Fleet is safe for concurrent use, once its [Fleet.Run] has a goroutine.
type Fleet struct {
	launch  Launch
	limits  limits
	idleFor time.Duration

	starts  chan *member  // to Run, which owns the environments' goroutines
	wake    chan struct{} // to Run: there is an idle environment to watch
	stopped chan struct{} // closed when Run starts no more environments

	mu    sync.Mutex
	pools map[Key]*pool
	all   map[*member]struct{}
	idle  *list.List // of *member, least recently used first
}

// pool holds the environments of one key.
type pool struct {
	idle    []*member // newest last
	busy    map[*member]struct{}
	waiters []chan *member // each has room for one; nil means: decide again
}

// member is an environment and where it stands in the fleet.
type member struct {
	key     Key
	env     *environment.Environment
	started time.Time

	// Guarded by the fleet's mutex.
	phase      phase
	abandoned  bool // whoever started it has left
	idleSince  time.Time
	answeredAt time.Time // of the invocation under way; zero before its answer
	served     int
	lru        *list.Element // in Fleet.idle, while it is idle
}

type phase string

const (
	initialising phase = "init"
	serving      phase = "busy"
	resting      phase = "idle"
	gone         phase = "gone"
)

// New returns an empty fleet. It starts nothing.
func New(launch Launch, cfg Config) *Fleet {
	concurrency := cmp.Or(cfg.Concurrency, 1000)
	return &Fleet{
		launch: launch,
		limits: limits{
			concurrency:  concurrency,
			environments: cmp.Or(cfg.Environments, max(1, concurrency*2500/1000)),
			grace:        cmp.Or(cfg.Grace, 50*time.Millisecond),
		},
		idleFor: cfg.IdleTimeout,
		starts:  make(chan *member),
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
		pools:   map[Key]*pool{},
		all:     map[*member]struct{}{},
		idle:    list.New(),
	}
}

// ErrStopped is the answer of a fleet whose Run has ended.
var ErrStopped = errors.New("the fleet is stopping")

// Run starts environments and ends idle ones until ctx ends; then it ends them
// all and returns. It owns every goroutine of the fleet.
func (f *Fleet) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(f.stopped)
	for {
		var expiry <-chan time.Time
		if next, ok := f.nextExpiry(); ok {
			expiry = time.After(time.Until(next))
		}
		select {
		case m := <-f.starts:
			wg.Go(func() { m.env.Run(ctx) })
		case <-expiry:
			f.expire(time.Now())
		case <-f.wake:
		case <-ctx.Done():
			return nil
		}
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
		m, err := f.acquire(ctx, key, suppressed)
		if err != nil {
			return nil, err
		}
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

// acquire returns an environment of key that is initialised, or whose init has
// failed, and that is the caller's alone.
func (f *Fleet) acquire(ctx context.Context, key Key, suppressed bool) (*member, error) {
	for {
		f.mu.Lock()
		now := time.Now()
		p := f.pool(key)
		d := place(f.situation(p), f.limits, now)
		switch d.action {
		case throttle:
			f.forget(key)
			f.mu.Unlock()
			return nil, d.refusal
		case reuse:
			m := p.idle[len(p.idle)-1]
			f.take(m)
			f.mu.Unlock()
			return m, nil
		case wait:
			waiter := make(chan *member, 1)
			p.waiters = append(p.waiters, waiter)
			f.mu.Unlock()
			m, err := f.await(ctx, key, waiter, d.until.Sub(now))
			if m != nil || err != nil {
				return m, err
			}
		case evict:
			victim := f.idle.Front().Value.(*member)
			f.drop(victim)
			f.mu.Unlock()
			victim.env.End()
		case start:
			m := f.add(key, suppressed, now)
			f.mu.Unlock()
			return m, f.begin(ctx, m)
		}
	}
}

// await blocks until an environment is handed to waiter, at most for patience.
// It returns nil and no error when it is time to decide again.
func (f *Fleet) await(ctx context.Context, key Key, waiter chan *member, patience time.Duration) (*member, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var err error
	select {
	case m := <-waiter:
		return m, nil
	case <-timer.C:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pool(key)
	if i := slices.Index(p.waiters, waiter); i >= 0 {
		p.waiters = slices.Delete(p.waiters, i, i+1)
	}
	select {
	case m := <-waiter: // it came at the last moment
		if m != nil && err != nil {
			f.release(m)
			m = nil
		}
		return m, err
	default:
		return nil, err
	}
}

// begin has Run start m, and waits until its init has ended.
func (f *Fleet) begin(ctx context.Context, m *member) error {
	select {
	case f.starts <- m:
	case <-f.stopped:
		f.remove(m)
		return ErrStopped
	}
	select {
	case <-m.env.Ready():
		return nil
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch m.phase {
	case initialising:
		m.abandoned = true // it joins the idle ones when it is ready
	case serving:
		f.release(m) // it was ready at the last moment
	}
	return context.Cause(ctx)
}

// add makes a member for key. The caller holds f.mu.
func (f *Fleet) add(key Key, suppressed bool, now time.Time) *member {
	m := &member{key: key, phase: initialising, started: now}
	m.env = f.launch(key.Version, suppressed, func(s environment.State) { f.changed(m, s) })
	f.all[m] = struct{}{}
	f.pool(key).busy[m] = struct{}{}
	return m
}

// changed follows an environment's state.
func (f *Fleet) changed(m *member, s environment.State) {
	switch s {
	case environment.Idle:
		f.mu.Lock()
		defer f.mu.Unlock()
		if m.phase == initialising && !m.abandoned {
			m.phase = serving // whoever started it is about to use it
			m.served++
			return
		}
		f.release(m)
	case environment.Draining, environment.Dead:
		f.remove(m)
	}
}

// answered notes that the invocation which m serves has its answer.
func (f *Fleet) answered(m *member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.phase == serving {
		m.answeredAt = time.Now()
	}
}

// release makes m idle, or hands it to an invocation that waits for its key.
// The caller holds f.mu.
func (f *Fleet) release(m *member) {
	if m.phase == gone {
		return
	}
	p := f.pool(m.key)
	m.answeredAt = time.Time{}
	if len(p.waiters) > 0 {
		m.phase = serving
		m.served++
		p.waiters[0] <- m
		p.waiters = slices.Delete(p.waiters, 0, 1)
		return
	}
	delete(p.busy, m)
	p.idle = append(p.idle, m)
	m.phase, m.idleSince = resting, time.Now()
	m.lru = f.idle.PushBack(m)
	if f.idle.Len() == 1 {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// take makes the idle m serve. The caller holds f.mu.
func (f *Fleet) take(m *member) {
	p := f.pool(m.key)
	f.unrest(p, m)
	p.busy[m] = struct{}{}
	m.phase = serving
	m.served++
}

// unrest takes m from the idle ones. The caller holds f.mu.
func (f *Fleet) unrest(p *pool, m *member) {
	i := slices.Index(p.idle, m)
	p.idle = slices.Delete(p.idle, i, i+1)
	f.idle.Remove(m.lru)
	m.lru = nil
}

// remove forgets m, which is ending.
func (f *Fleet) remove(m *member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(m)
}

// drop forgets m. The caller holds f.mu.
func (f *Fleet) drop(m *member) {
	if m.phase == gone {
		return
	}
	p := f.pool(m.key)
	if m.phase == resting {
		f.unrest(p, m)
	}
	m.phase = gone
	delete(p.busy, m)
	delete(f.all, m)
	for _, waiter := range p.waiters { // they may have waited for m
		waiter <- nil
	}
	p.waiters = nil
	f.forget(m.key)
}

// pool returns the pool of key. The caller holds f.mu.
func (f *Fleet) pool(key Key) *pool {
	p := f.pools[key]
	if p == nil {
		p = &pool{busy: map[*member]struct{}{}}
		f.pools[key] = p
	}
	return p
}

// forget drops the pool of key if nothing is in it. The caller holds f.mu.
func (f *Fleet) forget(key Key) {
	if p := f.pools[key]; p != nil && len(p.idle)+len(p.busy)+len(p.waiters) == 0 {
		delete(f.pools, key)
	}
}

// situation sums up what place needs to know. The caller holds f.mu.
func (f *Fleet) situation(p *pool) situation {
	s := situation{
		idle:         len(p.idle),
		busy:         len(f.all) - f.idle.Len(),
		environments: len(f.all),
		evictable:    f.idle.Len() > len(p.idle),
	}
	if s.idle == 0 {
		for m := range p.busy {
			if m.answeredAt.After(s.answeredAt) {
				s.answeredAt = m.answeredAt
			}
		}
	}
	return s
}

// nextExpiry is when the environment that has been idle longest is to end.
func (f *Fleet) nextExpiry() (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.idleFor == 0 || f.idle.Len() == 0 {
		return time.Time{}, false
	}
	return f.idle.Front().Value.(*member).idleSince.Add(f.idleFor), true
}

// expire ends the environments that have been idle for too long.
func (f *Fleet) expire(now time.Time) {
	f.mu.Lock()
	var late []*member
	for e := f.idle.Front(); e != nil; e = e.Next() {
		m := e.Value.(*member)
		if now.Before(m.idleSince.Add(f.idleFor)) {
			break
		}
		late = append(late, m)
	}
	for _, m := range late {
		f.drop(m)
	}
	f.mu.Unlock()
	for _, m := range late {
		m.env.End()
	}
}
