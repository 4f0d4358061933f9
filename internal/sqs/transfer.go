package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/store"
)

// Received is a message as a receiver gets it.
type Received struct {
	queue.Message
	ID     string
	Handle string // of this receipt
	Sent   time.Time
	First  time.Time // received
	Count  int       // of receipts, this one included
	Source string    // ARN of the queue that has given it up; "" if none has
}

// Send puts a message into the queue with this ARN, and returns its ID. delay
// hides it for a while; negative means for as long as the queue is set to.
func (q *Queues) Send(arn string, m queue.Message, delay time.Duration) (id string, err error) {
	var visible func()
	err = q.store.Update(func(tx *store.Tx) (err error) {
		id, visible, err = q.stage(tx, arn, m, delay)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("send to %s: %w", arn, err)
	}
	visible()
	return id, nil
}

// Stage is Send within the caller's transaction. visible must be called when that
// is committed, and only then. A message that the queue will never take is an
// error that wraps [queue.ErrRefused].
func (q *Queues) Stage(tx *store.Tx, arn string, m queue.Message) (visible func(), err error) {
	_, visible, err = q.stage(tx, arn, m, -1)
	return visible, err
}

func (q *Queues) stage(tx *store.Tx, arn string, m queue.Message, delay time.Duration) (id string, visible func(), err error) {
	s, err := q.byARN(arn)
	if err != nil {
		return "", nil, err
	}
	settings := s.describe().Settings
	if fault := check(m, settings.MaximumMessage); fault != nil {
		return "", nil, fault
	}
	body, err := json.Marshal(m)
	if err != nil {
		return "", nil, fmt.Errorf("encode a message: %w", err)
	}
	if delay < 0 {
		delay = settings.Delay
	}
	now := time.Now()
	h := header{ID: uuid.NewString(), Sent: now, Visible: now.Add(delay)}
	seq, err := insert(tx, settings.Name, h, body)
	if err != nil {
		return "", nil, err
	}
	return h.ID, func() { s.add(seq, h) }, nil
}

// Ask is what a receiver wants.
type Ask struct {
	Max    int           // messages; 1 at least
	Hidden time.Duration // for how long they are hidden; negative means as the queue is set to
	Wait   time.Duration // for the first message; negative means as the queue is set to
}

// Receive returns messages of the queue with this ARN, and hides them. It waits
// for the first one, and returns none when the time or ctx is over.
func (q *Queues) Receive(ctx context.Context, arn string, ask Ask) ([]Received, error) {
	s, err := q.byARN(arn)
	if err != nil {
		return nil, err
	}
	settings := s.describe().Settings
	if ask.Hidden < 0 {
		ask.Hidden = settings.VisibilityTimeout
	}
	if ask.Wait < 0 {
		ask.Wait = settings.Wait
	}
	end := time.Now().Add(ask.Wait)
	for {
		// What comes between the look and the wait is told of: watch first.
		changed, _, _, gone := s.watch()
		if gone {
			return nil, errNoQueue
		}
		now := time.Now()
		taken, expired := s.take(ask.Max, ask.Hidden, now)
		got, err := q.receive(s, taken, expired, now)
		switch {
		case err != nil || len(got) > 0:
			return got, err
		case len(taken) > 0: // they have gone to the dead-letter queue
		case !now.Before(end) || !await(ctx, s, changed, end):
			return nil, nil
		}
	}
}

// await waits until it is worth another look; false means that ctx is over.
func await(ctx context.Context, s *shelf, changed <-chan struct{}, end time.Time) bool {
	if _, next, ok, _ := s.watch(); ok && next.Before(end) {
		end = next
	}
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// receive writes the receipt of what was taken, and reads it. What was received
// too often goes to the dead-letter queue instead.
func (q *Queues) receive(s *shelf, taken []item, expired []uint64, now time.Time) (got []Received, err error) {
	if len(taken)+len(expired) == 0 {
		return nil, nil
	}
	settings := s.describe().Settings
	var dead *shelf
	if settings.Redrive != nil {
		dead, _ = q.byARN(settings.Redrive.Target) // one that is gone takes nothing
	}
	var visible []func()
	var moved []uint64
	err = q.store.Update(func(tx *store.Tx) error {
		got, visible, moved = got[:0], visible[:0], moved[:0]
		for _, seq := range expired {
			if err := erase(tx, settings.Name, seq); err != nil {
				return err
			}
		}
		for _, it := range taken {
			body, err := bodyOf(tx, settings.Name, it.seq)
			if err != nil {
				return err
			}
			if dead != nil && it.Received > settings.Redrive.MaxReceive {
				show, err := q.bury(tx, s, dead, it, body, now)
				if err != nil {
					return err
				}
				visible, moved = append(visible, show), append(moved, it.seq)
				continue
			}
			if err := putHeader(tx, settings.Name, it.seq, it.header); err != nil {
				return err
			}
			r := Received{ID: it.ID, Sent: it.Sent, First: it.First, Count: it.Received, Source: it.Source,
				Handle: receipt{seq: it.seq, received: it.Received, id: it.ID}.String()}
			if err := json.Unmarshal(body, &r.Message); err != nil {
				return fmt.Errorf("read message %s: %w", it.ID, err)
			}
			got = append(got, r)
		}
		return nil
	})
	if err != nil {
		s.untake(taken, now)
		return nil, fmt.Errorf("receive from %s: %w", settings.Name, err)
	}
	for _, seq := range moved {
		s.remove(seq)
	}
	for _, show := range visible {
		show()
	}
	return got, nil
}

// bury moves a message to the dead-letter queue. It keeps its ID and its age.
// Source: Amazon SQS developer guide, sqs-dead-letter-queues.
func (q *Queues) bury(tx *store.Tx, s, dead *shelf, it item, body []byte, now time.Time) (visible func(), err error) {
	h := header{ID: it.ID, Sent: it.Sent, Visible: now, Source: q.ARN(s.describe().Settings.Name)}
	name := dead.describe().Settings.Name
	if err := erase(tx, s.describe().Settings.Name, it.seq); err != nil {
		return nil, err
	}
	seq, err := insert(tx, name, h, body)
	if err != nil {
		return nil, err
	}
	return func() { dead.add(seq, h) }, nil
}

// Delete removes the messages with these receipt handles. One that is gone
// already is no error.
func (q *Queues) Delete(arn string, handles ...string) error {
	s, err := q.byARN(arn)
	if err != nil {
		return err
	}
	var seqs []uint64
	for _, handle := range handles {
		r, ok := parseReceipt(handle)
		if !ok {
			return errHandle(handle)
		}
		if it, ok := s.find(r); ok {
			seqs = append(seqs, it.seq)
		}
	}
	return q.discard(s, seqs)
}

// Purge removes the messages that are in a queue now.
func (q *Queues) Purge(arn string) error {
	s, err := q.byARN(arn)
	if err != nil {
		return err
	}
	return q.discard(s, s.all())
}

// discard removes messages for good.
func (q *Queues) discard(s *shelf, seqs []uint64) error {
	if len(seqs) == 0 {
		return nil
	}
	name := s.describe().Settings.Name
	err := q.store.Update(func(tx *store.Tx) error {
		for _, seq := range seqs {
			if err := erase(tx, name, seq); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete from %s: %w", name, err)
	}
	for _, seq := range seqs {
		s.remove(seq)
	}
	return nil
}

// Hide changes for how long, from now on, the message of a receipt is hidden; 0
// gives it back at once.
func (q *Queues) Hide(arn, handle string, hidden time.Duration) error {
	s, err := q.byARN(arn)
	if err != nil {
		return err
	}
	r, ok := parseReceipt(handle)
	if !ok {
		return errHandle(handle)
	}
	now := time.Now()
	it, ok := s.find(r)
	switch {
	case !ok:
		return invalid("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", handle)
	case it.Received != r.received || !it.Visible.After(now):
		return &fault{code: "MessageNotInflight", query: "AWS.SimpleQueueService.MessageNotInflight", message: "The message referred to isn't in flight."}
	}
	it.Visible = now.Add(hidden)
	err = q.store.Update(func(tx *store.Tx) error { return putHeader(tx, s.describe().Settings.Name, it.seq, it.header) })
	if err != nil {
		return fmt.Errorf("hide a message of %s: %w", s.describe().Settings.Name, err)
	}
	s.hide(it.seq, it.Visible)
	return nil
}
