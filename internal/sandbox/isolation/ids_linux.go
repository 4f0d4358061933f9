package isolation

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/berthdev/berth/internal/sandbox/namespace"
)

// An idRange is the part of the host's user IDs that is this Berth's. The zero
// range is that of a Berth that is not root, and has none.
type idRange struct {
	first int
	lock  net.Listener
}

// ranges is how many there are up to the largest ID that every program takes.
const ranges = (1<<31 - namespace.DefaultFirstID) / namespace.IDs

// reserveIDs takes the first range that is free on this machine. Its lock is a
// name among the abstract sockets, which the kernel frees with the process.
func reserveIDs() (*idRange, error) {
	if os.Geteuid() != 0 {
		return &idRange{}, nil
	}
	for n := range ranges {
		l, err := net.Listen("unix", fmt.Sprintf("@berth-ids-%d", n))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reserve user IDs: %w", err)
		}
		return &idRange{namespace.DefaultFirstID + n*namespace.IDs, l}, nil
	}
	return nil, errors.New("reserve user IDs: all are taken")
}

func (r *idRange) close() error {
	if r == nil || r.lock == nil {
		return nil
	}
	return r.lock.Close()
}
