package backlog

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/store"
)

// Event is something that was accepted and is to reach its target: everything
// but its payload.
type Event struct {
	RequestID string            `json:"requestId"` // the same for every attempt
	Target    string            `json:"target"`    // ARN: of a function as it was invoked, or of a destination
	Tenant    function.TenantID `json:"tenantId,omitempty"`
	TraceID   string            `json:"traceId,omitempty"`
	Accepted  time.Time         `json:"accepted"`
	Failures  int               `json:"failures,omitempty"` // attempts that the target has answered with an error
}

// stored is how an event stands in the store.
type stored struct {
	Event
	Due time.Time `json:"due"`
}

func (e Event) lane() laneKey { return laneKey{e.Target, string(e.Tenant)} }

// buckets are where one backlog is stored. An event's payload has a bucket of its
// own, so that an attempt costs the same for a payload of one byte and of one
// megabyte; so has the result of its last attempt, which most events never have.
type buckets struct{ events, payloads, results []byte }

func bucketsOf(name string) buckets {
	return buckets{[]byte(name + " events"), []byte(name + " payloads"), []byte(name + " results")}
}

func (b buckets) all() [][]byte { return [][]byte{b.events, b.payloads, b.results} }

// number is the key of an event: in order of acceptance.
func number(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// insert writes a new event and returns its number.
func (b buckets) insert(tx *store.Tx, e stored, payload []byte) (uint64, error) {
	events := tx.Bucket(b.events)
	seq, err := events.NextSequence()
	if err != nil {
		return 0, err
	}
	events.FillPercent = 0.9 // keys only grow
	if err := b.update(tx, seq, e); err != nil {
		return 0, err
	}
	payloads := tx.Bucket(b.payloads)
	payloads.FillPercent = 0.9
	return seq, payloads.Put(number(seq), payload)
}

// update writes an event whose payload is there already.
func (b buckets) update(tx *store.Tx, seq uint64, e stored) error {
	encoded, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", e.RequestID, err)
	}
	return tx.Bucket(b.events).Put(number(seq), encoded)
}

// remove forgets an event.
func (b buckets) remove(tx *store.Tx, seq uint64) error {
	for _, name := range b.all() {
		if err := tx.Bucket(name).Delete(number(seq)); err != nil {
			return err
		}
	}
	return nil
}

func decode(key, value []byte) (seq uint64, e stored, err error) {
	if len(key) != 8 {
		return 0, e, fmt.Errorf("event number %x has %d bytes, want 8", key, len(key))
	}
	seq = binary.BigEndian.Uint64(key)
	if err := json.Unmarshal(value, &e); err != nil {
		return 0, e, fmt.Errorf("event %d: %w", seq, err)
	}
	return seq, e, nil
}
