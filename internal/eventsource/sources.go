package eventsource

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/queue"
)

// Sources holds the event source mappings of this machine, and has them run. It is
// safe for concurrent use.
type Sources struct {
	queues  Queues
	invoker Invoker
	cfg     Config

	wake chan struct{} // to Run: the mappings have changed

	mu  sync.Mutex
	all map[string]Entry // by UUID
}

// Entry is a mapping as callers see it.
type Entry struct {
	queue.Source
	Modified time.Time
}

// NewSources returns an empty collection. It starts nothing.
func NewSources(queues Queues, invoker Invoker, cfg Config) *Sources {
	return &Sources{queues: queues, invoker: invoker, cfg: cfg, wake: make(chan struct{}, 1), all: map[string]Entry{}}
}

// Put adds a mapping, or changes the one with its UUID. A mapping without a UUID
// gets one.
func (s *Sources) Put(source queue.Source) Entry {
	source.UUID = cmp.Or(source.UUID, uuid.NewString())
	source.BatchSize = cmp.Or(source.BatchSize, defaultBatch)
	e := Entry{Source: source, Modified: time.Now()}
	s.mu.Lock()
	s.all[source.UUID] = e
	s.mu.Unlock()
	s.nudge()
	return e
}

// Delete removes a mapping, and returns what it was; ok is false if there is none.
// What it has under way ends.
func (s *Sources) Delete(id string) (e Entry, ok bool) {
	s.mu.Lock()
	e, ok = s.all[id]
	delete(s.all, id)
	s.mu.Unlock()
	s.nudge()
	return e, ok
}

// Get returns a mapping.
func (s *Sources) Get(id string) (e Entry, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok = s.all[id]
	return e, ok
}

// All returns the mappings, sorted by UUID.
func (s *Sources) All() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Collect(maps.Values(s.all))
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.UUID, b.UUID) })
	return all
}

func (s *Sources) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run has every mapping run until ctx ends, those that come meanwhile, too, and
// returns when none is under way.
func (s *Sources) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	running := map[Entry]context.CancelFunc{} // a mapping that is changed is another one
	for {
		wanted := map[Entry]bool{}
		for _, e := range s.All() {
			if !e.Disabled {
				wanted[e] = true
			}
		}
		for e, stop := range running {
			if !wanted[e] {
				stop()
				delete(running, e)
			}
		}
		for e := range wanted {
			if running[e] != nil {
				continue
			}
			life, stop := context.WithCancel(ctx)
			running[e] = stop
			wg.Go(func() {
				defer stop()
				newMapping(e.Source, s.queues, s.invoker, s.cfg).run(life)
			})
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil
		}
	}
}
