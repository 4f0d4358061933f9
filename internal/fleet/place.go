package fleet

import (
	"time"

	"github.com/berthdev/berth/internal/function"
)

// situation is what a decision is made from.
type situation struct {
	idle       int       // free environments of this very key
	spares     int       // initialised environments of the version that belong to nobody yet
	answeredAt time.Time // when the last of the key's busy environments gave its answer; zero if none has

	busy         int  // invocations under way that count against the same concurrency
	concurrency  int  // how many there may be
	reserved     bool // that concurrency is the function's own
	tenantBusy   int  // of them, those of the same tenant
	environments int  // of all keys, starting, idle and spare ones included
	evictable    bool // some environment of another key is idle, or spare
}

// limits bound the fleet.
type limits struct {
	environments int
	tenant       int // invocations of one tenant under way at once; 0 is no limit
	grace        time.Duration
}

// action is what to do for one invocation.
type action string

const (
	reuse    action = "reuse"    // the newest idle environment of the key
	wait     action = "wait"     // for one of the key that has answered and is about to be idle
	adopt    action = "adopt"    // a spare, which then belongs to the key for good
	start    action = "start"    // a new environment
	evict    action = "evict"    // the least recently used idle environment of another key, then decide again
	throttle action = "throttle" // refuse, or queue
)

type decision struct {
	action  action
	until   time.Time         // wait at most so long, then decide again
	refusal *function.Refusal // why, when throttled
}

// place decides which environment serves an invocation. It never gives an
// environment of one key to another: situation has no words for that.
//
// Waiting for an environment that has just answered is what makes a caller who
// sends one request after the other meet one environment: the answer reaches it
// some microseconds before the runtime asks for the next event.
func place(s situation, l limits, now time.Time) decision {
	full := s.busy >= s.concurrency
	crowded := l.tenant > 0 && s.tenantBusy >= l.tenant
	until := s.answeredAt.Add(l.grace)
	switch {
	case s.idle > 0 && !full && !crowded:
		return decision{action: reuse}
	case !s.answeredAt.IsZero() && now.Before(until):
		return decision{action: wait, until: until}
	case full && s.reserved:
		return refuse("Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded")
	case full:
		return refuse("Rate Exceeded.", "ConcurrentInvocationLimitExceeded")
	case crowded:
		// Berth's own limit, so Lambda has no reason for it.
		return refuse("Rate Exceeded.", "CallerRateLimitExceeded")
	case s.spares > 0:
		return decision{action: adopt}
	case s.environments < l.environments:
		return decision{action: start}
	case s.evictable:
		return decision{action: evict}
	}
	// Source: AWS Lambda developer guide, tenant-isolation: at most 2,500
	// environments for every 1,000 of concurrency, active or idle.
	return refuse("Rate exceeded", "ConcurrentInvocationLimitExceeded")
}

func refuse(message, reason string) decision {
	return decision{action: throttle, refusal: &function.Refusal{
		Type: function.TooManyRequests, Message: message, Reason: reason}}
}
