// Package store keeps what must survive a crash in one file, and makes writing
// there cheap for many writers at once.
//
// A [Store] is a bbolt file. What [Store.Update] has written is on the disk when
// it returns: it survives kill -9, and a power failure as far as the disk tells
// the truth. Writers that come while a commit is under way share the next one,
// so that the cost of a sync is divided among them. It knows nothing of what is
// stored.
package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Tx is a transaction. It is valid only within the function that it was given
// to, and so are the bytes that it hands out.
type Tx = bbolt.Tx

// Bucket is a sorted table of a store, and may hold others. It is valid as long as
// its transaction.
type Bucket = bbolt.Bucket

// Store is one file. It is safe for concurrent use.
type Store struct {
	db *bbolt.DB

	mu         sync.Mutex
	waiting    []*write // for the next commit
	committing bool     // someone leads: it commits, or is about to
}

// write is one Update on its way.
type write struct {
	fn   func(*Tx) error
	err  error         // of fn, or of the commit; valid when done or when it leads
	lead chan struct{} // closed when it is this one's turn to commit
	done chan struct{} // closed when err is there
}

// InUseError is a folder whose store another process has open.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return "another process of Berth uses the state in " + e.Dir
}

// DamagedError is a file that can't be read as a store.
type DamagedError struct {
	File string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("read the state in %s: %v", e.File, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }

// Hint is what to type to go on without what the file held.
func (e *DamagedError) Hint() string { return "mv " + e.File + " " + e.File + ".damaged" }

// file is the name of the store's file in its folder.
const file = "berth.db"

// patience is how long Open waits for a process that is about to end.
const patience = time.Second

// Open opens the store in the folder dir, and makes both if they are not there.
// Only one process has a store open: for any other the error is an
// *[InUseError]. The lock ends with its process, however that ends.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	path := filepath.Join(dir, file)
	db, err := open(path)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, &InUseError{Dir: dir}
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch),
		errors.Is(err, errUnreadable):
		return nil, &DamagedError{File: path, Err: err}
	case err != nil:
		return nil, fmt.Errorf("open the state: %w", err)
	}
	return &Store{db: db}, nil
}

var errUnreadable = errors.New("the file is damaged")

// open is bbolt.Open, which panics on some files that are not its own.
func open(path string) (db *bbolt.DB, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			db, err = nil, fmt.Errorf("%w: %v", errUnreadable, fault)
		}
	}()
	return bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      patience,
		FreelistType: bbolt.FreelistMapType,
		// The list of free pages is found again when the file is opened, which
		// is cheaper than to write it with each commit.
		NoFreelistSync: true,
	})
}

// Close waits for what is under way and lets go of the file.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the state: %w", err)
	}
	return nil
}

// View runs fn on the state as the last commit has left it.
func (s *Store) View(fn func(*Tx) error) error { return s.db.View(fn) }

// maxGroup bounds how many writes share a commit, and so for how long the first
// of them waits.
const maxGroup = 1000

// Update runs fn and commits what it has written: all of it when the error is
// nil, nothing otherwise. fn shares its transaction with other writers and may
// run more than once, in a new transaction, when one of them fails: it must only
// do what can be done again. A write that waits can't be recalled, so there is
// no context.
func (s *Store) Update(fn func(*Tx) error) error {
	w := &write{fn: fn, lead: make(chan struct{}), done: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	leads := !s.committing
	s.committing = true
	s.mu.Unlock()
	if !leads {
		select {
		case <-w.done:
			return w.err
		case <-w.lead:
		}
	}
	s.commitGroup()
	return w.err
}

// commitGroup commits what waits, the caller's own write first, and hands the
// lead to the next one that waits then.
func (s *Store) commitGroup() {
	s.mu.Lock()
	n := min(len(s.waiting), maxGroup)
	group := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.mu.Unlock()

	defer func() {
		for _, w := range group {
			close(w.done)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.committing = len(s.waiting) > 0; s.committing {
			close(s.waiting[0].lead)
		}
	}()
	s.commit(group)
}

// commit commits group. A write that fails takes its changes back alone: the
// others are done again without it.
func (s *Store) commit(group []*write) {
	rest := group
	for len(rest) > 0 {
		failed := -1
		err := s.db.Update(func(tx *Tx) error {
			for i, w := range rest {
				if w.err = safely(w.fn, tx); w.err != nil {
					failed = i
					return w.err
				}
			}
			return nil
		})
		if failed < 0 {
			for _, w := range rest {
				if err != nil {
					w.err = fmt.Errorf("write the state: %w", err)
				}
			}
			return
		}
		// rest shares its array with group, which still has to be told.
		rest = append(append([]*write(nil), rest[:failed]...), rest[failed+1:]...)
	}
}

// safely runs fn: a panic in it is its own writer's error and stops no other.
func safely(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic in a transaction: %v", fault)
		}
	}()
	return fn(tx)
}
