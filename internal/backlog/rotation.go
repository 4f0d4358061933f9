package backlog

import (
	"cmp"
	"container/heap"
	"time"
)

// rotation decides whose event is next. It is a value without a clock, a lock or
// a disk: [Backlog] carries its decisions out.
//
// Every pair of target and tenant has a lane. Lanes that have an event due
// stand in a ring and take turns, one event each, so that a tenant with a
// backlog of a million events delays another tenant's first event by one turn.
// And a lane never has more events in flight than there are free places: a lone
// tenant gets half of them, n tenants an n+1-th part each, and there is always a
// place for one who comes later, however long the others' invocations take.
type rotation struct {
	places int // that may be in flight at once
	inUse  int
	lanes  map[laneKey]*lane
	ring   []*lane // due, in order of their turns
	later  laneHeap
}

// laneKey names a lane. target is the ARN as it was invoked: that one qualifier
// can't be reached says nothing of another.
type laneKey struct {
	target string
	tenant string
}

// entry is one event: when it is due, and under which number it is stored.
type entry struct {
	due time.Time
	seq uint64
}

// lane is the events of one target and tenant that are not in flight, and the
// count of those that are.
type lane struct {
	key      laneKey
	waiting  entryHeap
	inFlight int

	resume    time.Time // no event is taken before it
	postponed int       // in a row

	place place
	index int // in later
}

// place is where a lane waits for its turn.
type place int

const (
	nowhere place = iota // it has no event
	inRing               // it has one due
	inLater              // it will have one due; only next takes from such a lane, once it is in the ring
)

func newRotation(places int) *rotation {
	return &rotation{places: places, lanes: map[laneKey]*lane{}}
}

// add puts an event into its lane.
func (r *rotation) add(key laneKey, e entry) {
	l := r.lanes[key]
	if l == nil {
		l = &lane{key: key}
		r.lanes[key] = l
	}
	heap.Push(&l.waiting, e)
	r.settle(l)
}

// settle puts a lane where it belongs. A lane of the ring stays there: it is
// looked at when its turn comes.
func (r *rotation) settle(l *lane) {
	switch {
	case l.place == inRing:
	case len(l.waiting) == 0:
		if l.inFlight == 0 {
			delete(r.lanes, l.key)
		}
	case l.place == inLater:
		heap.Fix(&r.later, l.index)
	default:
		l.place = inLater
		heap.Push(&r.later, l)
	}
}

// next takes the event whose turn it is; ok is false if none is due or no place
// is free for one.
func (r *rotation) next(now time.Time) (l *lane, e entry, ok bool) {
	for len(r.later) > 0 && !r.later[0].wake().After(now) {
		l := heap.Pop(&r.later).(*lane)
		l.place = inRing
		r.ring = append(r.ring, l)
	}
	free := r.places - r.inUse
	if free <= 0 {
		return nil, entry{}, false
	}
	for range len(r.ring) {
		l := r.ring[0]
		r.ring = r.ring[1:]
		switch {
		case len(l.waiting) == 0 || l.wake().After(now): // it was paused meanwhile
			l.place = nowhere
			r.settle(l)
		case l.inFlight >= free:
			r.ring = append(r.ring, l)
		default:
			e := heap.Pop(&l.waiting).(entry)
			l.inFlight++
			r.inUse++
			r.ring = append(r.ring, l)
			return l, e, true
		}
	}
	return nil, entry{}, false
}

// nextDue is when a lane that has nothing due yet will have, as the last next has
// seen it; ok is false if there is no such lane.
func (r *rotation) nextDue() (at time.Time, ok bool) {
	if len(r.later) == 0 {
		return time.Time{}, false
	}
	return r.later[0].wake(), true
}

// reached gives the place of an event back whose target was reached.
func (r *rotation) reached(l *lane) {
	l.postponed, l.resume = 0, time.Time{}
	r.leave(l)
}

// postpone gives the place of an event back whose target could not be reached,
// and keeps its lane from trying again for a while: 1 s, then twice as long each
// time, up to 5 minutes. Those of a lane that are turned away together count as
// once.
// Source: AWS Lambda developer guide, invocation-async-error-handling.
func (r *rotation) postpone(l *lane, e entry, now time.Time) {
	if !now.Before(l.resume) {
		l.resume = now.Add(backOff(l.postponed))
		l.postponed++
	}
	heap.Push(&l.waiting, e)
	r.leave(l)
}

func (r *rotation) leave(l *lane) {
	l.inFlight--
	r.inUse--
	r.settle(l)
}

const (
	firstBackOff = time.Second
	lastBackOff  = 5 * time.Minute
)

// backOff is how long to wait after n failures before this one.
func backOff(n int) time.Duration {
	if n >= 9 { // 512 s
		return lastBackOff
	}
	return min(firstBackOff<<n, lastBackOff)
}

// wake is when a lane that isn't empty has something to do.
func (l *lane) wake() time.Time {
	if due := l.waiting[0].due; due.After(l.resume) {
		return due
	}
	return l.resume
}

// entryHeap has the event that is due first on top; of two that are due at the
// same time, the one that came first.
type entryHeap []entry

func (h entryHeap) Len() int { return len(h) }
func (h entryHeap) Less(i, j int) bool {
	return cmp.Or(h[i].due.Compare(h[j].due), cmp.Compare(h[i].seq, h[j].seq)) < 0
}
func (h entryHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *entryHeap) Push(x any)   { *h = append(*h, x.(entry)) }
func (h *entryHeap) Pop() any {
	old := *h
	last := len(old) - 1
	e := old[last]
	*h = old[:last]
	if cap(old) > 64 && last < cap(old)/4 { // a backlog that has gone gives its memory back
		*h = append(make(entryHeap, 0, cap(old)/2), old[:last]...)
	}
	return e
}

// laneHeap has the lane that wakes first on top; of two that wake at the same
// time, the one whose event came first.
type laneHeap []*lane

func (h laneHeap) Len() int { return len(h) }
func (h laneHeap) Less(i, j int) bool {
	return cmp.Or(h[i].wake().Compare(h[j].wake()), cmp.Compare(h[i].waiting[0].seq, h[j].waiting[0].seq)) < 0
}
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return l
}
