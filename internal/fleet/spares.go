package fleet

import (
	"slices"
	"time"

	"github.com/berthdev/berth/internal/function"
)

// The bounds of the adaptive number of spares.
const (
	minSpares   = 1
	maxSpares   = 8
	spareMemory = 10 * time.Second // how long a new tenant is remembered
)

// spares are the environments that are initialised and belong to nobody. On
// Lambda, too, a tenant is not known before the first invocation, so a spare is
// as good as an environment that was started for its tenant; it is only earlier.
type spares struct {
	fixed int // 0: adaptive; negative: none
	sets  map[*function.Version]*spareSet
}

// spareSet is the spares of one version.
type spareSet struct {
	ready     []*member // newest last
	preparing int
	arrivals  []time.Time // of new tenants, oldest first; at most maxSpares
	failed    bool        // the last one did not get through init: wait for demand
}

func newSpares(fixed int) spares {
	return spares{fixed: fixed, sets: map[*function.Version]*spareSet{}}
}

// Prepare keeps spares for v, if it has tenant isolation, until Retire.
func (f *Fleet) Prepare(v *function.Version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v.TenantIsolation && f.spares.fixed >= 0 && f.spares.sets[v] == nil {
		f.spares.sets[v] = &spareSet{}
		f.nudge()
	}
}

// target is the number of spares to have for new tenants that came at arrivals.
func target(fixed int, arrivals []time.Time, now time.Time) int {
	if fixed != 0 {
		return max(fixed, 0)
	}
	recent := 0
	for _, at := range arrivals {
		if now.Sub(at) < spareMemory {
			recent++
		}
	}
	return min(max(recent, minSpares), maxSpares)
}

// arrived notes that a tenant came which no environment belonged to.
func (s *spares) arrived(v *function.Version, now time.Time) {
	set := s.sets[v]
	if set == nil {
		return
	}
	set.failed = false
	set.arrivals = append(set.arrivals, now)
	if n := len(set.arrivals); n > maxSpares {
		set.arrivals = slices.Delete(set.arrivals, 0, n-maxSpares)
	}
}

// ready is the number of spares that can be adopted at once.
func (s *spares) ready(v *function.Version) int {
	if set := s.sets[v]; set != nil {
		return len(set.ready)
	}
	return 0
}

// push takes in a spare whose init has ended well.
func (s *spares) push(m *member) {
	set := s.sets[m.key.Version] // there is one: Retire dismisses those that are preparing
	set.preparing--
	set.failed = false
	set.ready = append(set.ready, m)
}

// pop gives out the newest spare: there is one.
func (s *spares) pop(v *function.Version) *member {
	set := s.sets[v]
	last := len(set.ready) - 1
	m := set.ready[last]
	set.ready = set.ready[:last]
	return m
}

// lost forgets a spare that has ended.
func (s *spares) lost(m *member, before phase) {
	set := s.sets[m.key.Version]
	if set == nil {
		return // its version has been retired
	}
	if before == preparing {
		set.preparing--
		set.failed = true // no second try before somebody needs one
		return
	}
	set.ready = slices.DeleteFunc(set.ready, func(other *member) bool { return other == m })
}

// other is a spare of another version than v, or nil.
func (s *spares) other(v *function.Version) *member {
	for version, set := range s.sets {
		if version != v && len(set.ready) > 0 {
			return set.ready[0]
		}
	}
	return nil
}

// missingSpares makes the spares that there should be, for Run to start. Spares
// that there are too many of stay until somebody adopts them or needs their room.
// They never take the last room: an invocation that has just had somebody evicted
// would find it taken.
func (f *Fleet) missingSpares(now time.Time) []*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	var made []*member
	for v, set := range f.spares.sets {
		want := target(f.spares.fixed, set.arrivals, now)
		for !set.failed && len(set.ready)+set.preparing < want && len(f.all) < f.limits.environments-1 {
			set.preparing++
			made = append(made, f.newMember(v, false, now))
		}
	}
	return made
}
