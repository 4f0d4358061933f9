package fleet

import (
	"testing"
	"time"
)

func TestPlace(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	l := limits{concurrency: 10, environments: 25, grace: 50 * time.Millisecond}
	for _, tt := range []struct {
		name string
		s    situation
		want action
	}{
		{"nothing yet", situation{}, start},
		{"a free environment of the key", situation{idle: 1, environments: 1}, reuse},
		{"another key's free environment is not used", situation{evictable: true, environments: 1}, start},
		{"one that has just answered is waited for", situation{answeredAt: now.Add(-time.Millisecond), busy: 1, environments: 1}, wait},
		{"but not for long", situation{answeredAt: now.Add(-50 * time.Millisecond), busy: 1, environments: 1}, start},
		{"a free one is better than one that has just answered", situation{idle: 1, answeredAt: now, busy: 1, environments: 2}, reuse},
		{"a busy one that has not answered is not waited for", situation{busy: 1, environments: 1}, start},
		{"all concurrency is used, though one is free", situation{idle: 1, busy: 10, environments: 11}, throttle},
		{"all concurrency is used, none is free", situation{busy: 10, environments: 10}, throttle},
		{"at full concurrency one that has just answered is still waited for", situation{answeredAt: now, busy: 10, environments: 10}, wait},
		{"no room, but another's idle one can go", situation{busy: 9, environments: 25, evictable: true}, evict},
		{"no room at all", situation{busy: 9, environments: 25}, throttle},
	} {
		d := place(tt.s, l, now)
		if d.action != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, d.action, tt.want)
		}
		if (d.action == throttle) != (d.refusal != nil) {
			t.Errorf("%s: refusal is %v with action %s", tt.name, d.refusal, d.action)
		}
	}
}
