package fleet

// quota counts the invocations that are under way, against the account's
// concurrency and the shares of it that are reserved for functions.
// Source: AWS Lambda developer guide, configuration-concurrency.
type quota struct {
	reserved map[string]int // by function
	busy     map[string]int // by function
	shared   int            // busy, of functions without a reservation
	kept     int            // the sum of reserved
}

func newQuota() quota { return quota{reserved: map[string]int{}, busy: map[string]int{}} }

// Reserve keeps n of the account's concurrency for a function, which is its
// ceiling, too; 0 stops the function. A negative n takes the reservation back.
func (f *Fleet) Reserve(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quota.reserve(name, n)
	f.callNext()
}

func (q *quota) reserve(name string, n int) {
	before, had := q.reserved[name]
	q.kept -= before
	switch {
	case n < 0 && had:
		delete(q.reserved, name)
		q.shared += q.busy[name]
	case n >= 0:
		if !had {
			q.shared -= q.busy[name]
		}
		q.reserved[name] = n
		q.kept += n
	}
}

func (q *quota) begin(key Key) { q.add(key.Version.Name, 1) }
func (q *quota) end(key Key)   { q.add(key.Version.Name, -1) }

func (q *quota) add(name string, n int) {
	if q.busy[name] += n; q.busy[name] == 0 {
		delete(q.busy, name)
	}
	if _, ok := q.reserved[name]; !ok {
		q.shared += n
	}
}

// of is what a function's invocations are counted against.
func (q *quota) of(name string, account int) (busy, concurrency int, reserved bool) {
	if n, ok := q.reserved[name]; ok {
		return q.busy[name], n, true
	}
	return q.shared, account - q.kept, false
}
