package destination

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/store"
)

// Resolver finds the version that a name means. Its errors are *function.Refusal.
type Resolver interface {
	Resolve(name, qualifier string) (function.Resolved, error)
}

// Queues are the queues of this machine.
type Queues interface {
	// Has reports whether the queue with this ARN is here.
	Has(arn string) bool
	// Stage puts a message into a queue within a transaction; visible must be
	// called when that is committed. An error that wraps queue.ErrRefused is one
	// that another attempt would get again.
	Stage(tx *store.Tx, arn string, m queue.Message) (visible func(), err error)
}

// Sender reaches targets beyond this machine. A *[RefusedError] is final; after
// any other error the message is tried again.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Config is what an outbox can do without.
type Config struct {
	Queues Queues       // nil: this machine has no queues
	Sender Sender       // nil: there is nothing beyond this machine
	Logger *slog.Logger // nil discards
}

// MaxAge is how old a message may be when it is tried for the last time: as old
// as an asynchronous event.
const MaxAge = function.MaxEventAge

// Outbox is safe for concurrent use.
type Outbox struct {
	messages  *backlog.Backlog
	events    *backlog.Backlog // of the functions of this machine
	functions Resolver
	queues    Queues
	sender    Sender
	log       *slog.Logger
}

// NewOutbox returns an outbox that keeps its messages in messages, and puts those
// for functions into events.
func NewOutbox(messages, events *backlog.Backlog, functions Resolver, cfg Config) *Outbox {
	o := &Outbox{messages: messages, events: events, functions: functions, queues: cfg.Queues, sender: cfg.Sender, log: cfg.Logger}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Stage takes a message within the caller's transaction. visible must be called
// when that is committed, and only then.
func (o *Outbox) Stage(tx *store.Tx, m Message) (visible func(), err error) {
	encoded, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode a message for %s: %w", m.Target, err)
	}
	return o.messages.Stage(tx, backlog.Event{
		RequestID: m.RequestID, Target: m.Target, Tenant: m.Tenant, TraceID: m.TraceID, Accepted: m.Time,
	}, encoded)
}

// Len is how many messages have not reached their target.
func (o *Outbox) Len() int { return o.messages.Len() }

// Run delivers messages until ctx ends, and returns when no delivery is under
// way. Its error is the store's, or nil.
func (o *Outbox) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := o.messages.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("deliver messages: %w", err)
		}
		wg.Go(func() { o.deliver(ctx, c) })
	}
}

// deliver tries once to bring a message to its target.
func (o *Outbox) deliver(ctx context.Context, c *backlog.Claim) {
	var m Message
	err := json.Unmarshal(c.Payload, &m)
	if err != nil {
		err = &RefusedError{Target: c.Event.Target, Reason: "the stored message can't be read", Err: err}
	} else {
		err = o.send(ctx, c, m)
	}
	level, attrs := slog.LevelWarn, []slog.Attr{
		slog.String("target", c.Event.Target), slog.String("requestId", c.Event.RequestID),
		slog.String("tenantId", string(c.Event.Tenant)), slog.Any("error", err),
	}
	refused := (*RefusedError)(nil)
	switch {
	case err == nil:
		return
	case ctx.Err() != nil: // it stays in the outbox for the next process
		o.messages.Postpone(c)
		return
	case errors.As(err, &refused) || time.Since(c.Event.Accepted) > MaxAge:
		level = slog.LevelError
		if err := o.messages.Done(c, nil); err != nil {
			o.log.LogAttrs(ctx, level, "message not removed", append(attrs, slog.Any("cause", err))...)
			o.messages.Postpone(c)
			return
		}
		o.log.LogAttrs(ctx, level, "message given up", attrs...)
		return
	}
	o.messages.Postpone(c)
	o.log.LogAttrs(ctx, level, "message not delivered yet", attrs...)
}

// send brings m to its target and removes it from the outbox.
func (o *Outbox) send(ctx context.Context, c *backlog.Claim, m Message) error {
	kind, name, err := function.ParseTarget(m.Target)
	if err != nil {
		return &RefusedError{Target: m.Target, Reason: "unknown target", Err: err}
	}
	switch {
	case kind == function.TargetFunction:
		event, err := o.event(m)
		if err != nil {
			return err
		}
		return o.move(c, func(tx *store.Tx) (func(), error) { return o.events.Stage(tx, event, m.Body) })
	case kind == function.TargetQueue && o.queues != nil && o.queues.Has(m.Target):
		err := o.move(c, func(tx *store.Tx) (func(), error) {
			return o.queues.Stage(tx, m.Target, queue.Message{Body: string(m.Body), Attributes: m.Attributes, Trace: m.TraceID})
		})
		if errors.Is(err, queue.ErrRefused) {
			return &RefusedError{Target: m.Target, Reason: "the queue does not take it", Err: err}
		}
		return err
	case o.sender == nil:
		return &RefusedError{Target: m.Target, Reason: fmt.Sprintf("%s %s is not on this machine, and no AWS endpoint is set", kind, name)}
	}
	if err := o.sender.Send(ctx, m); err != nil {
		return err
	}
	return o.messages.Done(c, nil)
}

// move takes the message out of the outbox and puts it where stage does, in one
// transaction.
func (o *Outbox) move(c *backlog.Claim, stage func(*store.Tx) (func(), error)) error {
	var visible func()
	err := o.messages.Done(c, func(tx *store.Tx) (err error) {
		visible, err = stage(tx)
		return err
	})
	if err != nil {
		return err
	}
	visible()
	return nil
}

// event is the invocation that a function gets as a destination. The tenant goes
// with it when the function has tenants; one that has none can't take a tenant
// ID.
func (o *Outbox) event(m Message) (backlog.Event, error) {
	found, err := o.functions.Resolve(m.Target, "")
	if err != nil {
		return backlog.Event{}, &RefusedError{Target: m.Target, Reason: "no such function", Err: err}
	}
	e := backlog.Event{RequestID: uuid.NewString(), Target: found.InvokedARN, TraceID: m.TraceID, Accepted: time.Now()}
	switch {
	case !found.Version.TenantIsolation:
	case m.Tenant == "":
		return backlog.Event{}, &RefusedError{Target: m.Target, Reason: "the function has tenant isolation, and the event has no tenant ID"}
	default:
		e.Tenant = m.Tenant
	}
	return e, nil
}
