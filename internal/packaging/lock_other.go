//go:build !unix

package packaging

import "errors"

// lockKind is how a lock is taken.
type lockKind int

const (
	shared lockKind = iota
	exclusive
	exclusiveNow
)

// lock locks nothing where folders can't be locked: what is published is
// published in one step all the same, and nothing old is ever removed.
type lock struct{}

func acquire(_ string, kind lockKind) (*lock, error) {
	if kind == exclusiveNow {
		return nil, errors.ErrUnsupported
	}
	return &lock{}, nil
}

func (l *lock) release() {}
