// Package sqs is the queues of this machine: standard queues that are kept on the
// disk, and the part of the Amazon SQS API that functions and their callers use.
//
// [Queues] is for the rest of Berth, [Server] for AWS's SDKs. A message that a
// sender was told of survives kill -9; it is given out again until it is deleted,
// too old, or was received so often that it goes to the dead-letter queue. The
// package knows nothing of functions.
package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/store"
)

// Queues holds the queues of one account in one region. It is safe for
// concurrent use.
type Queues struct {
	store  *store.Store
	prefix string // of the ARNs

	// changing is held by those who make and remove queues, over their commits. mu
	// never is: transactions of others, in the same commit perhaps, look queues up.
	changing sync.Mutex

	mu     sync.RWMutex
	byName map[string]*shelf
}

// The buckets: the queues' settings, and a bucket for each queue, which holds the
// two others. What changes with each receive stands apart from the message
// itself.
var (
	settingsBucket = []byte("sqs queues")
	messagesBucket = []byte("sqs messages")
	headersBucket  = []byte("headers")
	bodiesBucket   = []byte("bodies")
)

// described is how a queue stands in the store.
type described struct {
	Settings queue.Settings
	Created  time.Time
	Modified time.Time
}

// Open returns the queues that are kept in s, with their messages.
func Open(s *store.Store, region, account string) (*Queues, error) {
	q := &Queues{store: s, prefix: "arn:aws:sqs:" + region + ":" + account + ":", byName: map[string]*shelf{}}
	err := s.Update(func(tx *store.Tx) error {
		for _, name := range [][]byte{settingsBucket, messagesBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open the queues: %w", err)
	}
	err = s.View(func(tx *store.Tx) error {
		return tx.Bucket(settingsBucket).ForEach(func(name, value []byte) error {
			var d described
			if err := json.Unmarshal(value, &d); err != nil {
				return fmt.Errorf("queue %s: %w", name, err)
			}
			shelf := newShelf(d)
			q.byName[string(name)] = shelf
			return shelf.load(tx)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the queues: %w", err)
	}
	return q, nil
}

// ARN names the queue with a name.
func (q *Queues) ARN(name string) string { return q.prefix + name }

// Has reports whether the queue with this ARN is here.
func (q *Queues) Has(arn string) bool {
	_, err := q.byARN(arn)
	return err == nil
}

func (q *Queues) byARN(arn string) (*shelf, error) {
	name, ok := strings.CutPrefix(arn, q.prefix)
	if !ok {
		return nil, errNoQueue
	}
	return q.find(name)
}

func (q *Queues) find(name string) (*shelf, error) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	s := q.byName[name]
	if s == nil {
		return nil, errNoQueue
	}
	return s, nil
}

// Put makes a queue, or gives the one with that name other settings; its messages
// stay.
func (q *Queues) Put(settings queue.Settings) error {
	q.changing.Lock()
	defer q.changing.Unlock()
	now := time.Now()
	d := described{Settings: settings, Created: now, Modified: now}
	before, err := q.find(settings.Name)
	isNew := err != nil
	if !isNew {
		d.Created = before.describe().Created
	}
	encoded, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode queue %s: %w", settings.Name, err)
	}
	err = q.store.Update(func(tx *store.Tx) error {
		if err := tx.Bucket(settingsBucket).Put([]byte(settings.Name), encoded); err != nil {
			return err
		}
		b, err := tx.Bucket(messagesBucket).CreateBucketIfNotExists([]byte(settings.Name))
		if err != nil {
			return err
		}
		for _, name := range [][]byte{headersBucket, bodiesBucket} {
			if _, err := b.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep queue %s: %w", settings.Name, err)
	}
	if !isNew {
		before.set(d)
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.byName[settings.Name] = newShelf(d)
	return nil
}

// Drop removes a queue and its messages.
func (q *Queues) Drop(name string) error {
	q.changing.Lock()
	defer q.changing.Unlock()
	s, err := q.find(name)
	if err != nil {
		return err
	}
	err = q.store.Update(func(tx *store.Tx) error {
		if err := tx.Bucket(settingsBucket).Delete([]byte(name)); err != nil {
			return err
		}
		return tx.Bucket(messagesBucket).DeleteBucket([]byte(name))
	})
	if err != nil {
		return fmt.Errorf("remove queue %s: %w", name, err)
	}
	q.mu.Lock()
	delete(q.byName, name)
	q.mu.Unlock()
	s.clear()
	return nil
}

// Names are the queues whose name begins with prefix, sorted.
func (q *Queues) Names(prefix string) []string {
	q.mu.RLock()
	defer q.mu.RUnlock()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(q.byName)) {
		if strings.HasPrefix(name, prefix) {
			all = append(all, name)
		}
	}
	return all
}

// Settings are those of the queue with this ARN; ok is false if it is not here.
func (q *Queues) Settings(arn string) (s queue.Settings, ok bool) {
	shelf, err := q.byARN(arn)
	if err != nil {
		return queue.Settings{}, false
	}
	return shelf.describe().Settings, true
}
