package fleet

import (
	"time"

	"github.com/berthdev/berth/internal/function"
)

// situation is what a decision is made from.
type situation struct {
	idle         int       // free environments of this very key
	answeredAt   time.Time // when the last of the key's busy environments gave its answer; zero if none has
	busy         int       // environments of all keys with an invocation under way
	environments int       // environments of all keys, starting and idle ones included
	evictable    bool      // some environment of another key is idle
}

// limits bound the fleet.
type limits struct {
	concurrency  int
	environments int
	grace        time.Duration
}

// action is what to do for one invocation.
type action string

const (
	reuse    action = "reuse"    // the newest idle environment of the key
	wait     action = "wait"     // for one of the key that has answered and is about to be idle
	start    action = "start"    // a new environment
	evict    action = "evict"    // the least recently used idle environment of another key, then start
	throttle action = "throttle" // refuse
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
	until := s.answeredAt.Add(l.grace)
	switch {
	case s.idle > 0 && s.busy < l.concurrency:
		return decision{action: reuse}
	case !s.answeredAt.IsZero() && now.Before(until):
		return decision{action: wait, until: until}
	case s.busy >= l.concurrency:
		return decision{action: throttle, refusal: &function.Refusal{
			Type: function.TooManyRequests, Message: "Rate Exceeded.", Reason: "ConcurrentInvocationLimitExceeded"}}
	case s.environments < l.environments:
		return decision{action: start}
	case s.evictable:
		return decision{action: evict}
	}
	// Source: AWS Lambda developer guide, tenant-isolation: at most 2,500
	// environments for every 1,000 of concurrency, active or idle.
	return decision{action: throttle, refusal: &function.Refusal{
		Type: function.TooManyRequests, Message: "Rate exceeded", Reason: "ConcurrentInvocationLimitExceeded"}}
}
