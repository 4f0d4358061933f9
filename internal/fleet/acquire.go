package fleet

import (
	"context"
	"slices"
	"time"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
)

// acquire returns an environment of key that is initialised, or whose init has
// failed, and that is the caller's alone. waited says that the caller has waited
// for that init.
func (f *Fleet) acquire(ctx context.Context, key Key, suppressed bool) (m *member, waited bool, err error) {
	giveUp := time.Now().Add(f.queueTimeout)
	for {
		f.mu.Lock()
		now := time.Now()
		p := f.pool(key)
		d := place(f.situation(key, p), f.limits, now)
		switch d.action {
		case throttle:
			if f.queueTimeout == 0 || !now.Before(giveUp) {
				f.forget(key)
				f.mu.Unlock()
				return nil, false, d.refusal
			}
			turn := f.queue.join(key)
			f.mu.Unlock()
			if err := f.stand(ctx, key, turn, giveUp.Sub(now)); err != nil {
				return nil, false, err
			}
		case reuse:
			m := p.idle[len(p.idle)-1]
			f.take(m)
			f.mu.Unlock()
			return m, false, nil
		case adopt:
			m := f.spares.pop(key.Version)
			f.own(m, key)
			f.spares.arrived(key.Version, now)
			f.mu.Unlock()
			return m, false, nil
		case wait:
			waiter := make(chan *member, 1)
			p.waiters = append(p.waiters, waiter)
			f.mu.Unlock()
			m, err := f.await(ctx, key, waiter, d.until.Sub(now))
			if m != nil || err != nil {
				return m, false, err
			}
		case evict:
			f.dismiss(f.victim(key.Version))
			f.mu.Unlock()
		case start:
			m := f.add(key, suppressed, now)
			f.spares.arrived(key.Version, now)
			f.mu.Unlock()
			return m, true, f.begin(ctx, m)
		}
	}
}

// stand waits in the queue for a turn, at most for patience. Whoever has had a
// turn decides again.
func (f *Fleet) stand(ctx context.Context, key Key, turn chan struct{}, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
	case <-f.stopped:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.queue.leave(key, turn) {
		f.callNext() // the turn came at the last moment: it is the next one's
	}
	f.forget(key)
	select {
	case <-f.stopped:
		return ErrStopped
	default:
		return context.Cause(ctx) // nil when patience is over: the decision refuses
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
		f.forget(key)
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

// situation sums up what place needs to know. The caller holds f.mu.
func (f *Fleet) situation(key Key, p *pool) situation {
	s := situation{
		idle:         len(p.idle),
		spares:       f.spares.ready(key.Version),
		tenantBusy:   len(p.busy),
		environments: len(f.all),
		evictable:    f.victim(key.Version) != nil,
	}
	s.busy, s.concurrency, s.reserved = f.quota.of(key.Version.Name, f.concurrency)
	if s.idle == 0 {
		for m := range p.busy {
			if m.answeredAt.After(s.answeredAt) {
				s.answeredAt = m.answeredAt
			}
		}
	}
	return s
}

// victim is the environment that goes first when room is needed for one of v:
// the least recently used idle one, or another version's spare; nil if there is
// none. The caller holds f.mu.
func (f *Fleet) victim(v *function.Version) *member {
	if front := f.idle.Front(); front != nil {
		return front.Value.(*member)
	}
	return f.spares.other(v)
}

// add makes a member for key, to be started. The caller holds f.mu.
func (f *Fleet) add(key Key, suppressed bool, now time.Time) *member {
	m := f.newMember(key.Version, suppressed, now)
	m.phase = initialising
	m.key = key
	f.pool(key).busy[m] = struct{}{}
	f.quota.begin(key)
	return m
}

// newMember makes a member that nobody owns. The caller holds f.mu.
func (f *Fleet) newMember(v *function.Version, suppressed bool, now time.Time) *member {
	m := &member{key: Key{Version: v}, phase: preparing, started: now}
	m.env = f.launch(v, suppressed, func(s environment.State) { f.changed(m, s) })
	f.all[m] = struct{}{}
	return m
}
