package fleet

import (
	"testing"
	"time"
)

func TestPlace(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	just, before := now.Add(-time.Millisecond), now.Add(-50*time.Millisecond)
	for _, tt := range []struct {
		name   string
		s      situation
		want   action
		reason string
	}{
		{"nothing yet", situation{}, start, ""},
		{"a free environment of the key", situation{idle: 1, environments: 1}, reuse, ""},
		{"a free one before a spare", situation{idle: 1, spares: 1, environments: 2}, reuse, ""},
		{"a spare before a start", situation{spares: 1, environments: 1}, adopt, ""},
		{"a spare even where there is no room for a start", situation{spares: 1, environments: 25}, adopt, ""},
		{"another key's free environment is not used", situation{evictable: true, environments: 1}, start, ""},
		{"one that has just answered is waited for", situation{answeredAt: just, busy: 1, environments: 1}, wait, ""},
		{"rather than to adopt a spare", situation{answeredAt: just, busy: 1, spares: 1, environments: 2}, wait, ""},
		{"but not for long", situation{answeredAt: before, busy: 1, environments: 1}, start, ""},
		{"a free one is better than one that has just answered", situation{idle: 1, answeredAt: now, busy: 1, environments: 2}, reuse, ""},
		{"a busy one that has not answered is not waited for", situation{busy: 1, environments: 1}, start, ""},
		{"all concurrency is used, though one is free", situation{idle: 1, busy: 10, environments: 11}, throttle, "ConcurrentInvocationLimitExceeded"},
		{"all concurrency is used, none is free", situation{busy: 10, environments: 10}, throttle, "ConcurrentInvocationLimitExceeded"},
		{"a spare is no concurrency", situation{busy: 10, spares: 1, environments: 11}, throttle, "ConcurrentInvocationLimitExceeded"},
		{"all of the function's own concurrency is used", situation{busy: 10, reserved: true, environments: 10}, throttle, "ReservedFunctionConcurrentInvocationLimitExceeded"},
		{"at full concurrency one that has just answered is still waited for", situation{answeredAt: now, busy: 10, environments: 10}, wait, ""},
		{"the tenant has all that one tenant may have", situation{tenantBusy: 5, busy: 5, environments: 5}, throttle, "CallerRateLimitExceeded"},
		{"even if one of its own is free", situation{idle: 1, tenantBusy: 5, busy: 5, environments: 6}, throttle, "CallerRateLimitExceeded"},
		{"no room, but another's idle one can go", situation{busy: 4, environments: 25, evictable: true}, evict, ""},
		{"no room at all", situation{busy: 4, environments: 25}, throttle, "ConcurrentInvocationLimitExceeded"},
	} {
		tt.s.concurrency = 10
		d := place(tt.s, limits{environments: 25, tenant: 5, grace: 50 * time.Millisecond}, now)
		if d.action != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, d.action, tt.want)
		}
		if (d.refusal == nil) != (tt.reason == "") || (d.refusal != nil && d.refusal.Reason != tt.reason) {
			t.Errorf("%s: refusal %v, want the reason %q", tt.name, d.refusal, tt.reason)
		}
	}
}
