package fleet

import (
	"container/list"
	"slices"
	"time"

	"github.com/berthdev/berth/internal/environment"
)

// pool holds the environments of one key.
type pool struct {
	idle    []*member // newest last
	busy    map[*member]struct{}
	waiters []chan *member // each has room for one; nil means: decide again
}

// member is an environment and where it stands in the fleet.
type member struct {
	env     *environment.Environment
	started time.Time

	// Guarded by the fleet's mutex.
	key        Key // its tenant is meaningless while it is a spare
	phase      phase
	abandoned  bool // whoever started it has left
	idleSince  time.Time
	frozen     bool
	answeredAt time.Time // of the invocation under way; zero before its answer
	served     int
	lru        *list.Element // in Fleet.idle, while it is idle
}

type phase string

const (
	preparing    phase = "preparing" // a spare, before its init has ended
	spare        phase = "spare"     // initialised, and belongs to nobody
	initialising phase = "init"      // for an invocation
	serving      phase = "busy"
	resting      phase = "idle"
	gone         phase = "gone"
)

// changed follows an environment's state.
func (f *Fleet) changed(m *member, s environment.State) {
	switch s {
	case environment.Idle:
		f.mu.Lock()
		defer f.mu.Unlock()
		switch {
		case m.phase == preparing:
			m.phase = spare
			f.spares.push(m)
		case m.phase == initialising && !m.abandoned:
			m.phase = serving // whoever started it is about to use it
			m.served++
		default:
			f.release(m)
		}
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
	if m.served == 1 {
		f.nudge() // a new tenant's answer first, and then another spare
	}
}

// own makes the spare m belong to key, for good. The caller holds f.mu.
func (f *Fleet) own(m *member, key Key) {
	m.key = key
	m.phase = serving
	m.served++
	f.pool(key).busy[m] = struct{}{}
	f.quota.begin(key)
}

// release makes m idle, or hands it to an invocation that waits for its key.
// The caller holds f.mu.
func (f *Fleet) release(m *member) {
	if m.phase == gone {
		return
	}
	p := f.pool(m.key)
	m.answeredAt = time.Time{}
	if _, over := f.retired[m.key.Version]; over && len(p.waiters) == 0 {
		f.dismiss(m)
		return
	}
	if len(p.waiters) > 0 {
		m.phase = serving
		m.served++
		p.waiters[0] <- m
		p.waiters = slices.Delete(p.waiters, 0, 1)
		return
	}
	delete(p.busy, m)
	f.quota.end(m.key)
	p.idle = append(p.idle, m)
	m.phase, m.idleSince = resting, time.Now()
	m.lru = f.idle.PushBack(m)
	f.callNext()
	if f.warm++; f.warm == 1 {
		f.nudge() // otherwise Run has a time to wake at that is sooner
	}
}

// take makes the idle m serve. The caller holds f.mu.
func (f *Fleet) take(m *member) {
	p := f.pool(m.key)
	f.unrest(p, m)
	p.busy[m] = struct{}{}
	f.quota.begin(m.key)
	m.phase = serving
	m.served++
}

// unrest takes m from the idle ones. The caller holds f.mu.
func (f *Fleet) unrest(p *pool, m *member) {
	i := slices.Index(p.idle, m)
	p.idle = slices.Delete(p.idle, i, i+1)
	f.idle.Remove(m.lru)
	if !m.frozen {
		f.warm--
	}
	m.lru, m.frozen = nil, false
}

// remove forgets m, which is ending.
func (f *Fleet) remove(m *member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(m)
}

// drop forgets m. The caller holds f.mu.
func (f *Fleet) drop(m *member) {
	before := m.phase
	if before == gone {
		return
	}
	m.phase = gone
	delete(f.all, m)
	switch before {
	case preparing, spare:
		f.spares.lost(m, before)
		f.nudge()
		return
	case resting:
		f.unrest(f.pool(m.key), m)
	default:
		p := f.pool(m.key)
		delete(p.busy, m)
		f.quota.end(m.key)
		for _, waiter := range p.waiters { // they may have waited for m
			waiter <- nil
		}
		p.waiters = nil
	}
	f.callNext()
	f.nudge()
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
