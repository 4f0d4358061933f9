package backlog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func tenant(name string) laneKey { return laneKey{"arn", name} }

// fill puts n events of each tenant into r, all due at start.
func fill(r *rotation, n int, tenants ...string) {
	seq := uint64(0)
	for _, name := range tenants {
		for range n {
			seq++
			r.add(tenant(name), entry{start, seq})
		}
	}
}

// take takes events until none is handed out, and lists their tenants. With
// release each one is done before the next.
func take(r *rotation, now time.Time, most int, release bool) string {
	var got []string
	for range most {
		l, _, ok := r.next(now)
		if !ok {
			break
		}
		got = append(got, l.key.tenant)
		if release {
			r.reached(l)
		}
	}
	return strings.Join(got, "")
}

func TestTenantsTakeTurns(t *testing.T) {
	r := newRotation(8)
	fill(r, 1000, "a")
	if got := take(r, start, 3, true); got != "aaa" {
		t.Fatalf("a alone: %s", got)
	}
	fill(r, 2, "b", "c")
	if got := take(r, start, 8, true); got != "abcabcaa" {
		t.Errorf("with a backlog of a's, b and c had their turns in %s", got)
	}
}

func TestPlacesAreShared(t *testing.T) {
	for _, tt := range []struct {
		name    string
		places  int
		tenants string
		want    string // who has how many in flight when nobody more may start
	}{
		{"a lone tenant gets half", 8, "a", "a4"},
		{"two get a third each", 9, "ab", "a3 b3"},
		{"three get a quarter each", 8, "abc", "a2 b2 c2"},
		{"more tenants than places", 3, "abcd", "a1 b1 c1"},
		{"one place is used", 1, "ab", "a1"},
	} {
		r := newRotation(tt.places)
		fill(r, 100, strings.Split(tt.tenants, "")...)
		take(r, start, 1000, false)
		var got []string
		for _, name := range strings.Split(tt.tenants, "") {
			if n := r.lanes[tenant(name)].inFlight; n > 0 {
				got = append(got, fmt.Sprintf("%s%d", name, n))
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestALateComerFindsAPlace(t *testing.T) {
	r := newRotation(64)
	fill(r, 10_000, "a", "b", "c")
	take(r, start, 1000, false) // whose invocations never end
	fill(r, 1, "late")
	if got := take(r, start, 1000, false); got != "late" {
		t.Errorf("the late comer's turn: %q", got)
	}
}

func TestAPostponedTenantHoldsNobodyUp(t *testing.T) {
	r := newRotation(8)
	fill(r, 3, "a", "b")
	l, e, _ := r.next(start)
	r.postpone(l, e, start)
	if got := take(r, start, 10, true); got != "bbb" {
		t.Errorf("while a is postponed: %s", got)
	}
	if at, ok := r.nextDue(); !ok || at != start.Add(time.Second) {
		t.Errorf("a is tried again at %v, want after a second", at)
	}
	if got := take(r, start.Add(time.Second), 10, true); got != "aaa" {
		t.Errorf("a second later: %s", got)
	}
}

// Source: AWS Lambda developer guide, invocation-async-error-handling.
func TestBackOff(t *testing.T) {
	var got []time.Duration
	r := newRotation(8)
	fill(r, 1, "a")
	now := start
	for range 11 {
		l, e, ok := r.next(now)
		if !ok {
			t.Fatalf("nothing is due at %v", now)
		}
		r.postpone(l, e, now)
		if _, _, ok := r.next(now); ok {
			t.Fatal("the event is handed out again at once")
		}
		at, _ := r.nextDue()
		got = append(got, at.Sub(now)/time.Second)
		now = at
	}
	if want := []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}; !slices.Equal(got, want) {
		t.Errorf("seconds between attempts: %d, want %d", got, want)
	}
	l, _, _ := r.next(now)
	fill(r, 1, "a")
	r.reached(l)
	if got := take(r, now, 1, true); got != "a" {
		t.Errorf("after a success: %q, want the next one at once", got)
	}
}

func TestThoseTurnedAwayTogetherCountOnce(t *testing.T) {
	r := newRotation(8)
	fill(r, 4, "a")
	lanes := map[*lane][]entry{}
	for {
		l, e, ok := r.next(start)
		if !ok {
			break
		}
		lanes[l] = append(lanes[l], e)
	}
	for l, entries := range lanes {
		for _, e := range entries {
			r.postpone(l, e, start)
		}
	}
	r.next(start)
	if at, _ := r.nextDue(); at != start.Add(time.Second) {
		t.Errorf("tried again after %v, want 1s", at.Sub(start))
	}
}

// Whatever happens in whichever order: no event is lost or handed out twice at
// the same time, none before it is due, the places are kept, and a tenant whose
// event is due waits for at most one turn of each other one.
func TestRotationKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 9).Draw(t, "places")
		r := newRotation(places)
		names := []string{"a", "b", "c", "d"}
		type flying struct {
			l *lane
			e entry
		}
		due := map[uint64]time.Time{} // of all that are not done
		var inFlight []flying
		turns := map[string]int{} // since a tenant that could start was passed over
		now, seq := start, uint64(0)
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				seq++
				e := entry{now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * time.Second), seq}
				due[seq] = e.due
				r.add(tenant(rapid.SampledFrom(names).Draw(t, "tenant")), e)
			case 2, 3:
				l, e, ok := r.next(now)
				if !ok {
					for name, l := range r.lanes {
						if len(l.waiting) > 0 && !l.wake().After(now) && l.inFlight < places-len(inFlight) {
							t.Fatalf("%v has an event due and is not served", name)
						}
					}
					continue
				}
				if d, there := due[e.seq]; !there || d.After(now) {
					t.Fatalf("event %d was handed out, due %v, there %v", e.seq, d, there)
				}
				for _, f := range inFlight {
					if f.e.seq == e.seq {
						t.Fatalf("event %d was handed out twice", e.seq)
					}
				}
				inFlight = append(inFlight, flying{l, e})
				if len(inFlight) > places {
					t.Fatalf("%d in flight, %d places", len(inFlight), places)
				}
				for _, name := range names {
					other := r.lanes[tenant(name)]
					waits := other != nil && len(other.waiting) > 0 && !other.wake().After(now) && other.inFlight == 0
					if turns[name]++; !waits || name == l.key.tenant {
						turns[name] = 0
					}
					if turns[name] > 2*len(names) {
						t.Fatalf("%s waits since %d turns", name, turns[name])
					}
				}
			case 4:
				if len(inFlight) > 0 {
					i := rapid.IntRange(0, len(inFlight)-1).Draw(t, "which")
					f := inFlight[i]
					inFlight = slices.Delete(inFlight, i, i+1)
					if rapid.Bool().Draw(t, "reached") {
						delete(due, f.e.seq)
						r.reached(f.l)
					} else {
						r.postpone(f.l, f.e, now)
					}
				}
			case 5:
				now = now.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "seconds")) * time.Second)
			}
		}
		for _, f := range inFlight {
			delete(due, f.e.seq)
			r.reached(f.l)
		}
		now = now.Add(time.Hour)
		for {
			l, e, ok := r.next(now)
			if !ok {
				break
			}
			delete(due, e.seq)
			r.reached(l)
		}
		if len(due) != 0 || len(r.lanes) != 0 || r.inUse != 0 {
			t.Fatalf("left: %d events, %d lanes, %d in use", len(due), len(r.lanes), r.inUse)
		}
	})
}
