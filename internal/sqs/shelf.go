package sqs

import (
	"container/heap"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/store"
)

// shelf is one queue in memory: its settings, and where each of its messages
// stands. The messages themselves are in the store.
type shelf struct {
	mu      sync.Mutex
	d       described
	items   map[uint64]*item
	order   itemHeap
	changed chan struct{} // closed, and replaced, when there is something new
	gone    bool
}

// item is one message.
type item struct {
	header
	seq   uint64
	index int // in order
}

func newShelf(d described) *shelf {
	return &shelf{d: d, items: map[uint64]*item{}, changed: make(chan struct{})}
}

// load reads where the messages of a stored queue stand. Only for a shelf that
// nobody else has yet.
func (s *shelf) load(tx *store.Tx) error {
	headers, err := bucketOf(tx, s.d.Settings.Name, headersBucket)
	if err != nil {
		return err
	}
	return headers.ForEach(func(k, v []byte) error {
		it := &item{}
		if len(k) != 8 {
			return fmt.Errorf("message number %x has %d bytes, want 8", k, len(k))
		}
		it.seq = binary.BigEndian.Uint64(k)
		if err := json.Unmarshal(v, &it.header); err != nil {
			return fmt.Errorf("message %d: %w", it.seq, err)
		}
		s.items[it.seq] = it
		heap.Push(&s.order, it)
		return nil
	})
}

func (s *shelf) describe() described {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.d
}

func (s *shelf) set(d described) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.d = d
}

// add puts a message that is stored where receivers find it.
func (s *shelf) add(seq uint64, h header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := &item{header: h, seq: seq}
	s.items[seq] = it
	heap.Push(&s.order, it)
	s.tell()
}

// tell wakes those who wait for messages. The caller holds s.mu.
func (s *shelf) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// remove forgets a message that isn't stored any more.
func (s *shelf) remove(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.items[seq]; it != nil {
		delete(s.items, seq)
		heap.Remove(&s.order, it.index)
	}
}

// all are the numbers of the messages that are there now.
func (s *shelf) all() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.items))
}

// clear forgets all messages, and tells those who wait that the queue is gone.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items, s.order, s.gone = map[uint64]*item{}, nil, true
	s.tell()
}

// take hides up to n messages that can be received, for the time hidden, and
// counts the receipt. What is too old comes in expired: it is for the caller to
// remove.
func (s *shelf) take(n int, hidden time.Duration, now time.Time) (taken []item, expired []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hiding []*item
	for len(s.order) > 0 && len(hiding) < n && !s.order[0].Visible.After(now) {
		it := heap.Pop(&s.order).(*item)
		if now.Sub(it.Sent) > s.d.Settings.Retention {
			expired = append(expired, it.seq)
			delete(s.items, it.seq)
			continue
		}
		hiding = append(hiding, it)
	}
	for _, it := range hiding {
		it.Received++
		if it.First.IsZero() {
			it.First = now
		}
		it.Visible = now.Add(hidden)
		heap.Push(&s.order, it)
		taken = append(taken, *it)
	}
	return taken, expired
}

// untake gives back what take has taken, as if it had not been received: the
// receipt could not be written.
func (s *shelf) untake(taken []item, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range taken {
		if it := s.items[t.seq]; it != nil && it.Received == t.Received {
			it.Received--
			it.Visible = now
			heap.Fix(&s.order, it.index)
		}
	}
	s.tell()
}

// find returns the message of a receipt; ok is false if it is gone.
func (s *shelf) find(r receipt) (it item, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.items[r.seq]
	if found == nil || found.ID != r.id {
		return item{}, false
	}
	return *found, true
}

// hide changes until when a message is hidden. Once it is, whoever waits looks
// again.
func (s *shelf) hide(seq uint64, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.items[seq]; it != nil {
		it.Visible = until
		heap.Fix(&s.order, it.index)
		s.tell()
	}
}

// watch is closed when there is something new, and next is when a hidden message
// will be seen again; ok is false if there is none.
func (s *shelf) watch() (changed <-chan struct{}, next time.Time, ok, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) > 0 {
		next, ok = s.order[0].Visible, true
	}
	return s.changed, next, ok, s.gone
}

// counts are how many messages can be received, are hidden by a receiver, and are
// delayed by their sender.
func (s *shelf) counts(now time.Time) (visible, hidden, delayed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range s.items {
		switch {
		case now.Sub(it.Sent) > s.d.Settings.Retention:
		case !it.Visible.After(now):
			visible++
		case it.Received > 0:
			hidden++
		default:
			delayed++
		}
	}
	return visible, hidden, delayed
}

// itemHeap has the message that is seen first on top; of two, the one that came
// first.
type itemHeap []*item

func (h itemHeap) Len() int { return len(h) }
func (h itemHeap) Less(i, j int) bool {
	if c := h[i].Visible.Compare(h[j].Visible); c != 0 {
		return c < 0
	}
	return h[i].seq < h[j].seq
}
func (h itemHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *itemHeap) Push(x any) {
	it := x.(*item)
	it.index = len(*h)
	*h = append(*h, it)
}
func (h *itemHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return it
}
