package fleet

import (
	"iter"
	"time"
)

// dismissed are the environments that are to end: those that were dismissed, and
// those that have been idle for too long.
func (f *Fleet) dismissed(now time.Time) []*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.idleFor > 0 && f.idle.Len() > 0 {
		m := f.idle.Front().Value.(*member)
		if now.Before(m.idleSince.Add(f.idleFor)) {
			break
		}
		f.dismiss(m)
	}
	leaving := f.leaving
	f.leaving = nil
	return leaving
}

// dismiss forgets m and leaves it to Run to end it. The caller holds f.mu.
func (f *Fleet) dismiss(m *member) {
	f.drop(m)
	f.leaving = append(f.leaving, m)
	f.nudge()
}

// chilled marks the environments that have been idle for long enough to be
// frozen, for Run to freeze.
func (f *Fleet) chilled(now time.Time) []*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	var cold []*member
	if f.freezeAfter < 0 {
		return nil
	}
	for m := range f.warmest() {
		if !now.Before(m.idleSince.Add(f.freezeAfter)) {
			m.frozen = true
			f.warm--
			cold = append(cold, m)
		}
	}
	return cold
}

// nextDeadline is when Run has something to do by itself; zero if never.
func (f *Fleet) nextDeadline(now time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if front := f.idle.Front(); front != nil && f.idleFor > 0 {
		sooner(front.Value.(*member).idleSince.Add(f.idleFor))
	}
	if f.freezeAfter >= 0 {
		var oldest *member
		for m := range f.warmest() {
			oldest = m
		}
		if oldest != nil {
			// Not for each environment by itself: Run would have no rest.
			sooner(later(oldest.idleSince.Add(f.freezeAfter), now.Add(f.freezeAfter/4)))
		}
	}
	return next
}

// warmest yields the idle environments that are not frozen, the newest first.
func (f *Fleet) warmest() iter.Seq[*member] {
	return func(yield func(*member) bool) {
		for e := f.idle.Back(); e != nil; e = e.Prev() {
			if m := e.Value.(*member); m.frozen || !yield(m) {
				return
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
