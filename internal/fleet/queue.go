package fleet

import (
	"slices"
	"time"
)

// queue holds the invocations that wait for concurrency. Tenants take turns:
// one with a thousand invocations in the queue delays another's only one by a
// single place.
type queue struct {
	order []Key // of those who wait; the next turn is the first's
	lines map[Key][]chan struct{}
}

func newQueue() queue { return queue{lines: map[Key][]chan struct{}{}} }

// join puts an invocation of key at the end of its tenant's line.
func (q *queue) join(key Key) (turn chan struct{}) {
	turn = make(chan struct{}, 1)
	if len(q.lines[key]) == 0 {
		q.order = append(q.order, key)
	}
	q.lines[key] = append(q.lines[key], turn)
	return turn
}

// call gives a turn to the first in the queue for whom may says yes.
func (q *queue) call(may func(Key) bool) {
	i := slices.IndexFunc(q.order, may)
	if i < 0 {
		return
	}
	key := q.order[i]
	q.order = append(slices.Delete(q.order, i, i+1), key)
	q.lines[key][0] <- struct{}{}
	q.cut(key, 0)
}

// leave takes a turn back; it reports false if the turn has come already.
func (q *queue) leave(key Key, turn chan struct{}) bool {
	i := slices.Index(q.lines[key], turn)
	if i < 0 {
		return false
	}
	q.cut(key, i)
	return true
}

// cut removes the i-th of a line.
func (q *queue) cut(key Key, i int) {
	q.lines[key] = slices.Delete(q.lines[key], i, i+1)
	if len(q.lines[key]) == 0 {
		delete(q.lines, key)
		q.order = slices.DeleteFunc(q.order, func(k Key) bool { return k == key })
	}
}

// callNext gives a turn to the next invocation that would not be throttled, if
// there is one. The caller holds f.mu.
func (f *Fleet) callNext() {
	if len(f.queue.order) == 0 {
		return
	}
	now := time.Now()
	f.queue.call(func(key Key) bool {
		defer f.forget(key)
		return place(f.situation(key, f.pool(key)), f.limits, now).action != throttle
	})
}
