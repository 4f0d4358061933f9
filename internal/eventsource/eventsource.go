// Package eventsource has functions take from queues: it decides which messages
// make a batch, what a batch looks like to a function, and what its answer means
// for the messages.
//
// [Sources] holds the mappings of queues to functions, and runs them. The package
// knows nothing of how queues are kept, nor of who serves an invocation.
package eventsource

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/sqs"
)

// Queues are what messages are taken from.
type Queues interface {
	Receive(ctx context.Context, arn string, ask sqs.Ask) ([]sqs.Received, error)
	Delete(arn string, handles ...string) error
	Hide(arn, handle string, hidden time.Duration) error
}

// Invoker runs functions. Its errors are *function.Refusal, or Berth's own.
type Invoker interface {
	Invoke(ctx context.Context, r invocation.Request) (*invocation.Response, error)
}

// Config is what mappings can do without.
type Config struct {
	Region, Account string       // of the queue, as messages say
	Logger          *slog.Logger // nil discards
}

// mapping has one function take from one queue.
type mapping struct {
	source  queue.Source
	queues  Queues
	invoker Invoker
	cfg     Config
}

func newMapping(s queue.Source, queues Queues, invoker Invoker, cfg Config) *mapping {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &mapping{source: s, queues: queues, invoker: invoker, cfg: cfg}
}

// Check says why a function can't take from a queue; nil if it can.
// Source: AWS Lambda developer guide, tenant-isolation.
func Check(v *function.Version) error {
	if v.TenantIsolation {
		return &function.Refusal{Type: function.InvalidParameterValue,
			Message: "Event source mappings are not supported for functions enabled with tenancy configuration"}
	}
	return nil
}

// The limits of a poller, and what it does unless it is told.
const (
	defaultBatch = 10
	// pollers is how many batches are under way at once, unless the mapping says:
	// five, as Lambda begins with. Source: AWS Lambda developer guide, with-sqs.
	pollers = 5
	// maxBatchBytes is the most that the bodies of one batch have together.
	// Source: AWS Lambda developer guide, services-sqs-configure.
	maxBatchBytes = 6*1024*1024 - 64*1024
	// receipt is the most messages that one receive gives.
	receipt = 10
	// recovery is how long a poller rests after a fault of Berth's own.
	recovery = time.Second
)

// run takes messages until ctx ends, and returns when no batch is under way. A
// batch that has begun is not broken off by ctx.
func (m *mapping) run(ctx context.Context) {
	var wg sync.WaitGroup
	for range cmp.Or(m.source.MaxConcurrency, pollers) {
		wg.Go(func() { m.poll(ctx) })
	}
	wg.Wait()
}

func (m *mapping) poll(ctx context.Context) {
	for ctx.Err() == nil {
		batch, err := m.gather(ctx)
		if err == nil && len(batch) > 0 {
			err = m.serve(ctx, batch)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "batch not taken", slog.String("queue", m.source.Queue),
			slog.String("function", m.source.Function), slog.Any("error", err))
		rest(ctx, recovery)
	}
}

// rest waits for a while, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// gather waits for messages, and puts a batch together: of BatchSize, or what
// comes within the window after the first. Without a window it is what is there.
func (m *mapping) gather(ctx context.Context) ([]sqs.Received, error) {
	batch, err := m.receive(ctx, m.source.BatchSize, queue.MaxWait)
	if err != nil || len(batch) == 0 {
		return nil, err
	}
	end := time.Now().Add(m.source.Window)
	for len(batch) < m.source.BatchSize && size(batch) < maxBatchBytes {
		wait := time.Until(end)
		if wait <= 0 && m.source.Window > 0 {
			break
		}
		more, err := m.receive(ctx, m.source.BatchSize-len(batch), max(0, min(wait, queue.MaxWait)))
		if err != nil {
			return m.cut(batch), nil // what is there is served; the next receive meets the error again
		}
		if len(more) == 0 && m.source.Window == 0 || ctx.Err() != nil {
			break
		}
		batch = append(batch, more...)
	}
	return m.cut(batch), nil
}

func (m *mapping) receive(ctx context.Context, n int, wait time.Duration) ([]sqs.Received, error) {
	return m.queues.Receive(ctx, m.source.Queue, sqs.Ask{Max: min(n, receipt), Hidden: -1, Wait: wait})
}

func size(batch []sqs.Received) int {
	n := 0
	for _, r := range batch {
		n += len(r.Body)
	}
	return n
}

// cut gives back what is too much for one event.
func (m *mapping) cut(batch []sqs.Received) []sqs.Received {
	for len(batch) > 1 && size(batch) > maxBatchBytes {
		last := batch[len(batch)-1]
		batch = batch[:len(batch)-1]
		_ = m.queues.Hide(m.source.Queue, last.Handle, 0) // else it comes back by itself
	}
	return batch
}

// serve invokes the function with a batch, and deletes what it has done. What is
// left comes back when its visibility timeout ends, and the queue's redrive
// policy sees to those that come too often.
// Source: AWS Lambda developer guide, services-sqs-errorhandling.
func (m *mapping) serve(ctx context.Context, batch []sqs.Received) error {
	r, err := m.invoker.Invoke(context.WithoutCancel(ctx), invocation.Request{
		Function: m.source.Function, Payload: event(batch, m.source.Queue, m.cfg.Region, m.cfg.Account),
	})
	if err != nil {
		return fmt.Errorf("invoke %s with a batch of %d: %w", m.source.Function, len(batch), err)
	}
	if r.FunctionError != "" {
		return nil // its own log has it
	}
	done := batch
	if m.source.ReportItemFailures {
		done = succeeded(batch, r.Payload)
	}
	var handles []string
	for _, message := range done {
		handles = append(handles, message.Handle)
	}
	if err := m.queues.Delete(m.source.Queue, handles...); err != nil {
		return fmt.Errorf("delete a batch of %d: %w", len(done), err)
	}
	return nil
}
