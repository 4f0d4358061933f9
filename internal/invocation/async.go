package invocation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/destination"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/store"
)

// Configs has what functions are set to for asynchronous invocation. ok is false
// if nothing is set, and the configuration is Lambda's own then.
type Configs interface {
	Get(name, qualifier string) (c function.EventInvokeConfig, ok bool)
}

// Outbox takes what is to reach a destination, within a transaction. visible must
// be called when that is committed.
type Outbox interface {
	Stage(tx *store.Tx, m destination.Message) (visible func(), err error)
}

// AsyncConfig is what asynchronous invocation can do without.
type AsyncConfig struct {
	// RetryDelay is the time from an attempt that failed to the next one; the one
	// after that waits twice as long. 0 means [DefaultRetryDelay].
	RetryDelay time.Duration
	Logger     *slog.Logger // nil discards
}

// Async invokes functions for callers who don't wait. What it has accepted is
// invoked at least once, by this process or a later one. It is safe for
// concurrent use.
type Async struct {
	invoker *Invoker
	configs Configs
	events  *backlog.Backlog
	outbox  Outbox
	cfg     AsyncConfig
}

// NewAsync returns the asynchronous side of invoker. It keeps what it has
// accepted in events.
func NewAsync(invoker *Invoker, configs Configs, events *backlog.Backlog, outbox Outbox, cfg AsyncConfig) *Async {
	cfg.RetryDelay = cmp.Or(cfg.RetryDelay, DefaultRetryDelay)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Async{invoker: invoker, configs: configs, events: events, outbox: outbox, cfg: cfg}
}

// Accept takes an event for later. When it returns without an error, the event is
// on the disk, and outlives this process. Errors are *function.Refusal, or the
// store's.
func (a *Async) Accept(_ context.Context, r Request) error {
	target, err := a.invoker.resolve(r)
	if err != nil {
		return err
	}
	now := time.Now()
	e := backlog.Event{
		RequestID: cmp.Or(r.ID, uuid.NewString()),
		Target:    target.InvokedARN,
		Tenant:    r.Tenant,
		TraceID:   cmp.Or(r.TraceID, newTrace(now)),
		Accepted:  now,
	}
	if len(r.Payload) == 0 {
		r.Payload = []byte("{}")
	}
	if len(r.Payload) > function.MaxEvent {
		return &function.Refusal{Type: function.RequestTooLarge, Message: fmt.Sprintf(
			"%d byte payload is too large for the Event invocation type (limit %d bytes)", len(r.Payload), function.MaxEvent)}
	}
	return a.events.Put(e, r.Payload)
}

// Run invokes what was accepted until ctx ends. Then it begins nothing more, and
// returns when every invocation that is under way has its answer. Its error is the
// store's, or nil.
func (a *Async) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := a.events.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take the next event: %w", err)
		}
		wg.Go(func() { a.serve(ctx, c) })
	}
}

// serve makes one attempt at an event, or sees that it is worth none.
func (a *Async) serve(ctx context.Context, c *backlog.Claim) {
	name, qualifier := splitARN(c.Event.Target)
	cfg, _ := a.configs.Get(name, qualifier)
	p := policyOf(cfg, a.cfg.RetryDelay)

	o, dead := due, ""
	if found, err := a.invoker.functions.Resolve(c.Event.Target, ""); err == nil {
		dead = found.Version.DeadLetterTarget
		if reserved := found.Version.ReservedConcurrency; reserved != nil && *reserved == 0 {
			o = blocked
		}
	}
	last := lastResult(c)
	f := decide(c.Event, o, p, time.Now())
	if f.action == attempt {
		var answer *result
		if o, answer = a.attempt(ctx, c); answer != nil {
			last = answer
		}
		if o != succeeded && ctx.Err() != nil {
			// What fails while Berth ends may fail because of that: the next
			// process makes the attempt again.
			a.events.Postpone(c)
			return
		}
		f = decide(c.Event, o, p, time.Now())
	}

	switch f.action {
	case retry:
		next := c.Event
		next.Failures++
		a.write(ctx, c, func() error { return a.events.Retry(c, next, f.at, encode(last)) })
	case finish:
		invoked := c.Event.Failures
		if o == succeeded || o == failed {
			invoked++
		}
		e := end{event: c.Event, payload: c.Payload, function: qualifiedARN(c.Event.Target), condition: f.condition,
			invoked: invoked, result: last, at: time.Now()}
		a.finish(ctx, c, e, messages(e, cfg, dead))
	default:
		a.events.Postpone(c)
	}
}

// attempt invokes the function once. The answer is nil if the function was not reached.
func (a *Async) attempt(ctx context.Context, c *backlog.Claim) (outcome, *result) {
	// An invocation that has begun is not broken off when Berth is told to end:
	// it has until its environment ends.
	r, err := a.invoker.Invoke(context.WithoutCancel(ctx), Request{
		ID: c.Event.RequestID, Function: c.Event.Target, Tenant: c.Event.Tenant, TraceID: c.Event.TraceID,
		Payload: c.Payload,
	})
	if err != nil {
		level := slog.LevelWarn
		if refusal := (*function.Refusal)(nil); errors.As(err, &refusal) && refusal.Type == function.TooManyRequests {
			level = slog.LevelDebug
		}
		a.cfg.Logger.LogAttrs(ctx, level, "asynchronous event not taken yet", append(attrs(c), slog.Any("error", err))...)
		return unreachable, nil
	}
	o := succeeded
	if r.FunctionError != "" {
		o = failed
	}
	return o, &result{Version: r.ExecutedVersion, Failed: o == failed, Payload: raw(r.Payload)}
}

// lastResult is what the event's last attempt had as its answer, nil if it is the
// first one.
func lastResult(c *backlog.Claim) *result {
	var r result
	if c.Result == nil || json.Unmarshal(c.Result, &r) != nil {
		return nil
	}
	return &r
}

// finish removes the event and sends what its end means to whoever is to know:
// both, or neither.
func (a *Async) finish(ctx context.Context, c *backlog.Claim, e end, messages []destination.Message) {
	var visible []func()
	a.write(ctx, c, func() error {
		err := a.events.Done(c, func(tx *store.Tx) error {
			visible = visible[:0]
			for _, m := range messages {
				show, err := a.outbox.Stage(tx, m)
				if err != nil {
					return err
				}
				visible = append(visible, show)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, show := range visible {
			show()
		}
		return nil
	})
	if e.condition != success {
		a.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "asynchronous event given up",
			append(attrs(c), slog.String("condition", string(e.condition)), slog.Int("invoked", e.invoked), slog.Int("messages", len(messages)))...)
	}
}

// messages are what the end of an event has others told: the record for its
// destination, and the event itself for dead, the dead-letter queue or topic.
// Both may be set.
func messages(e end, cfg function.EventInvokeConfig, dead string) []destination.Message {
	from := destination.Message{
		RequestID: e.event.RequestID, Function: e.function, Tenant: e.event.Tenant, TraceID: e.event.TraceID,
		Success: e.condition == success, Time: e.at,
	}
	var all []destination.Message
	target := cfg.OnFailure
	if from.Success {
		target = cfg.OnSuccess
	}
	if target != "" {
		m := from
		m.Target, m.Body, m.Attributes = target, e.record(), e.tenant()
		all = append(all, m)
	}
	if dead != "" && !from.Success {
		m := from
		m.Target, m.Body, m.Attributes = dead, e.payload, e.deadLetter()
		all = append(all, m)
	}
	return all
}

// rewriteAfter is how long to wait before what could not be written is tried again.
const rewriteAfter = time.Second

// write does what ends a claim, again and again while the disk does not take it.
// When ctx has ended, the claim is left to the next process.
func (a *Async) write(ctx context.Context, c *backlog.Claim, do func() error) {
	for {
		err := do()
		if err == nil {
			return
		}
		a.cfg.Logger.LogAttrs(ctx, slog.LevelError, "asynchronous event not written", append(attrs(c), slog.Any("error", err))...)
		wait := time.NewTimer(rewriteAfter)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
	}
}

func attrs(c *backlog.Claim) []slog.Attr {
	return []slog.Attr{
		slog.String("function", c.Event.Target), slog.String("requestId", c.Event.RequestID), slog.String("tenantId", string(c.Event.Tenant)),
	}
}

// splitARN is the name and the qualifier in the ARN of a function; the latter is
// "" if there is none.
func splitARN(arn string) (name, qualifier string) {
	_, rest, _ := strings.Cut(arn, ":function:")
	name, qualifier, _ = strings.Cut(rest, ":")
	return name, qualifier
}

// qualifiedARN is arn with a qualifier, as records have it always.
func qualifiedARN(arn string) string {
	if _, qualifier := splitARN(arn); qualifier == "" {
		return arn + ":" + function.Latest
	}
	return arn
}
