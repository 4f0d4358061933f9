package namespace

import (
	"bufio"
	"fmt"
	"io"
	"sync"
)

const (
	// sandboxID is the user and group ID inside, that of Lambda's sbx_user1051.
	sandboxID = 1051

	// DefaultFirstID is where the host's user IDs for environments begin when
	// Berth is root: far above people, services and the ranges that
	// distributions give to containers in /etc/subuid.
	DefaultFirstID = 0x6000_0000
	// IDs is how many of them one running Berth has.
	IDs = 1 << 16
)

// An extent is one line of /proc/self/uid_map: from first on, count IDs exist.
type extent struct{ first, count uint64 }

// parseExtents reads /proc/self/uid_map or gid_map: the IDs that exist in this
// process's own user namespace. Source: user_namespaces(7).
func parseExtents(r io.Reader) ([]extent, error) {
	var out []extent
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var e extent
		var outside uint64
		if _, err := fmt.Sscan(lines.Text(), &e.first, &outside, &e.count); err != nil {
			return nil, fmt.Errorf("read an ID map: %q: %w", lines.Text(), err)
		}
		out = append(out, e)
	}
	return out, lines.Err()
}

// covers says whether all of [first, first+count) exist.
func covers(have []extent, first, count uint64) bool {
	for _, e := range have {
		if first >= e.first && first-e.first < e.count && count <= e.count-(first-e.first) {
			return true
		}
	}
	return false
}

// ids hands out the host's user IDs, one for each living environment, so that
// even a hole in another wall would end before another tenant's files and
// processes. It is safe for concurrent use.
type ids struct {
	first int

	mu   sync.Mutex
	free []int // given back
	next int   // how many were ever handed out
}

// take gives an ID that no living environment of this Berth has.
func (p *ids) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		id := p.free[n-1]
		p.free = p.free[:n-1]
		return id, nil
	}
	if p.next == IDs {
		return 0, fmt.Errorf("all %d user IDs for environments are in use", IDs)
	}
	p.next++
	return p.first + p.next - 1, nil
}

// give takes an ID back, once nothing runs under it any more.
func (p *ids) give(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, id)
}
