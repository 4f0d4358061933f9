package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/fleet"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
	"github.com/berthdev/berth/internal/telemetry"
)

// stage is a fleet whose environments run a Go function.
type stage struct {
	*fleet.Fleet
	driver  *sandboxtest.Driver
	version *function.Version
	end     func()
}

func start(t testing.TB, cfg fleet.Config, program func(*sandboxtest.Program) sandbox.Exit) *stage {
	s := &stage{
		driver: &sandboxtest.Driver{Program: program},
		version: &function.Version{Name: "counter", Number: function.Latest, MemoryMB: 128, Timeout: 3 * time.Second,
			TenantIsolation: true},
	}
	n := 0
	s.Fleet = fleet.New(func(v *function.Version, suppressed bool, changed func(environment.State)) *environment.Environment {
		n++
		cfg := environment.Config{ID: fmt.Sprint("e", n), Version: v, Driver: s.driver, Suppressed: suppressed, Changed: changed,
			Sink: telemetry.Discard{}, Logger: slog.New(slog.DiscardHandler)}
		if suppressed {
			cfg.InitTimeout = v.Timeout
		}
		return environment.New(cfg)
	}, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Run(ctx) })
	s.end = func() { cancel(); wg.Wait() }
	t.Cleanup(s.end)
	return s
}

func (s *stage) invoke(ctx context.Context, tenant function.TenantID, payload string) (*environment.Answer, error) {
	return s.Invoke(ctx, s.version, environment.Invocation{RequestID: "r", Tenant: tenant, Payload: []byte(payload)})
}

// ask invokes and returns the answer; the invocation has ended.
func (s *stage) ask(t testing.TB, tenant function.TenantID, payload string) string {
	t.Helper()
	a, err := s.invoke(t.Context(), tenant, payload)
	if err != nil {
		t.Fatalf("invoke for %s: %v", tenant, err)
	}
	<-a.Done()
	synctest.Wait()
	return string(a.Payload)
}

// counter answers with the number of its process and of its invocations; an event
// that is a duration makes it work so long.
func counter() func(*sandboxtest.Program) sandbox.Exit {
	return func(p *sandboxtest.Program) sandbox.Exit {
		count := 0
		return sandboxtest.Serve(func(p *sandboxtest.Program, e *sandboxtest.Event) string {
			if d, err := time.ParseDuration(string(e.Payload)); err == nil {
				time.Sleep(d)
			}
			count++
			return fmt.Sprintf("p%d#%d", p.Number, count)
		})(p)
	}
}

func TestTenantsDoNotShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, counter())
		for i, step := range []struct {
			tenant function.TenantID
			want   string
		}{
			{"alice", "p1#1"}, {"alice", "p1#2"}, {"bob", "p2#1"}, {"alice", "p1#3"}, {"bob", "p2#2"}, {"Alice", "p3#1"},
		} {
			if got := s.ask(t, step.tenant, "{}"); got != step.want {
				t.Errorf("step %d, %s: %s, want %s", i+1, step.tenant, got, step.want)
			}
		}
	})
}

func TestRequestsAtTheSameTimeGetAnEnvironmentEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, counter())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := s.invoke(t.Context(), "alice", "1s"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if n := len(s.Views()); n != 2 {
			t.Errorf("%d environments for two requests at the same time, want 2", n)
		}
	})
}

func TestReuseTakesTheNewestIdleOneFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, counter())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.invoke(t.Context(), "alice", "1s") })
		synctest.Wait()
		wg.Go(func() { _, _ = s.invoke(t.Context(), "alice", "2s") })
		wg.Wait()
		synctest.Wait()
		if got := s.ask(t, "alice", "{}"); got != "p2#2" {
			t.Errorf("served by %s, want p2, which became idle last", got)
		}
	})
}

func TestIdleEnvironmentIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{IdleTimeout: 5 * time.Minute}, counter())
		s.ask(t, "alice", "{}")
		time.Sleep(time.Minute)
		s.ask(t, "bob", "{}")
		time.Sleep(4*time.Minute + time.Nanosecond)
		synctest.Wait()
		if v := s.Views(); len(v) != 1 || v[0].Tenant != "bob" || s.driver.Live() != 1 {
			t.Errorf("after alice's idle time: %+v and %d processes, want bob's only", v, s.driver.Live())
		}
		if got := s.ask(t, "alice", "{}"); got != "p3#1" {
			t.Errorf("then %s, want a new process", got)
		}
	})
}

func TestLeastRecentlyUsedMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{Environments: 2}, counter())
		s.ask(t, "alice", "{}")
		s.ask(t, "bob", "{}")
		s.ask(t, "alice", "{}")
		if got := s.ask(t, "carol", "{}"); got != "p3#1" {
			t.Errorf("%s, want p3#1", got)
		}
		if got := s.ask(t, "alice", "{}"); got != "p1#3" {
			t.Errorf("%s, want alice's process to have stayed", got)
		}
	})
}

func TestThrottles(t *testing.T) {
	for _, tt := range []struct {
		name    string
		cfg     fleet.Config
		message string
	}{
		{"all concurrency is in use", fleet.Config{Concurrency: 1, Environments: 5}, "Rate Exceeded."},
		{"all environments are in use", fleet.Config{Concurrency: 5, Environments: 1}, "Rate exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, tt.cfg, counter())
				var wg sync.WaitGroup
				wg.Go(func() { _, _ = s.invoke(t.Context(), "alice", "1s") })
				synctest.Wait()
				_, err := s.invoke(t.Context(), "bob", "{}")
				var refusal *function.Refusal
				if !errors.As(err, &refusal) || refusal.Type != function.TooManyRequests || refusal.Message != tt.message {
					t.Errorf("error %v, want TooManyRequestsException %q", err, tt.message)
				}
				wg.Wait()
				synctest.Wait()
				s.ask(t, "bob", "{}")
			})
		})
	}
}

// A caller who has its answer may come back before the runtime has asked for the
// next event; it meets the same environment, not a new one.
func TestNextRequestWaitsForTheEnvironmentThatHasAnswered(t *testing.T) {
	for _, tt := range []struct {
		name string
		lag  time.Duration // from the answer to the runtime's next
		want int           // environments in the end
	}{
		{"a runtime that asks at once", time.Millisecond, 1},
		{"a runtime that works on in the background", time.Second, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, fleet.Config{Grace: 10 * time.Millisecond}, func(p *sandboxtest.Program) sandbox.Exit {
					for {
						e, err := p.Next()
						if err != nil {
							return sandbox.Exit{}
						}
						p.Respond(e, "{}")
						time.Sleep(tt.lag)
					}
				})
				for range 2 {
					if _, err := s.invoke(t.Context(), "alice", "{}"); err != nil {
						t.Fatal(err)
					}
				}
				if n := len(s.Views()); n != tt.want {
					t.Errorf("%d environments, want %d", n, tt.want)
				}
			})
		})
	}
}

func TestFailedInitIsDoneAgainWithinTheInvocation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		program func(*sandboxtest.Program) sandbox.Exit
		want    string
		took    time.Duration
	}{
		{"an init that needs more than 10 s and less than the timeout", func(p *sandboxtest.Program) sandbox.Exit {
			if p.Number == 1 {
				<-p.Killed
				return sandbox.Exit{}
			}
			time.Sleep(2 * time.Second)
			return counter()(p)
		}, "p2#1", 12 * time.Second},
		{"an init that fails each time", func(*sandboxtest.Program) sandbox.Exit { return sandbox.Exit{Code: 1} },
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: exit status 1"}`, 0},
		{"an init that never ends", func(p *sandboxtest.Program) sandbox.Exit { <-p.Killed; return sandbox.Exit{} },
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 3.00 seconds"}`, 13 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, fleet.Config{}, tt.program)
				begin := time.Now()
				if got := s.ask(t, "alice", "{}"); got != tt.want || time.Since(begin) != tt.took {
					t.Errorf("%s after %s, want %s after %s", got, time.Since(begin), tt.want, tt.took)
				}
			})
		})
	}
}

func TestCrashIsAnsweredAndTheNextInvocationWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, func(p *sandboxtest.Program) sandbox.Exit {
			for {
				e, err := p.Next()
				if err != nil || string(e.Payload) == `"crash"` {
					return sandbox.Exit{Code: 3}
				}
				p.Respond(e, fmt.Sprint("p", p.Number))
			}
		})
		s.ask(t, "bob", "{}")
		s.ask(t, "alice", "{}")
		if got := s.ask(t, "alice", `"crash"`); !strings.Contains(got, "exit status 3") {
			t.Errorf("crash: %s", got)
		}
		if got := s.ask(t, "alice", "{}"); got != "p3" {
			t.Errorf("after the crash: %s, want p3", got)
		}
		if got := s.ask(t, "bob", "{}"); got != "p1" {
			t.Errorf("bob: %s, want p1, which alice's crash did not touch", got)
		}
	})
}

func TestMachineFaultIsNotTheFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, nil)
		s.driver.Err = &sandbox.UnavailableError{Isolation: "namespace", Reason: "gone"}
		_, err := s.invoke(t.Context(), "alice", "{}")
		var unavailable *sandbox.UnavailableError
		if !errors.As(err, &unavailable) {
			t.Errorf("error %v, want the driver's", err)
		}
	})
}

func TestCallerWhoLeavesDuringInitLeavesAnIdleEnvironment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, func(p *sandboxtest.Program) sandbox.Exit {
			time.Sleep(time.Second)
			return counter()(p)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := s.invoke(ctx, "alice", "{}"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Second)
		if got := s.ask(t, "alice", "{}"); got != "p1#1" {
			t.Errorf("%s, want the environment that was started before", got)
		}
	})
}

func TestStoppedFleetRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, counter())
		s.ask(t, "alice", "{}")
		s.end()
		if _, err := s.invoke(t.Context(), "bob", "{}"); !errors.Is(err, fleet.ErrStopped) {
			t.Errorf("error %v, want ErrStopped", err)
		}
		if n := s.driver.Live(); n != 0 {
			t.Errorf("%d processes live after the end", n)
		}
	})
}

func TestNewTenantAdoptsASpare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{Spares: 2}, func(p *sandboxtest.Program) sandbox.Exit {
			time.Sleep(time.Second) // the init that a new tenant need not wait for
			return counter()(p)
		})
		s.Prepare(s.version)
		time.Sleep(time.Second)
		synctest.Wait()
		begin := time.Now()
		first, second := s.ask(t, "alice", "{}"), s.ask(t, "bob", "{}")
		if took := time.Since(begin); first == second || took != 0 {
			t.Errorf("alice has %s and bob %s after %s, want a spare each, at once", first, second, took)
		}
		if got := s.ask(t, "carol", "{}"); time.Since(begin) != time.Second {
			t.Errorf("%s after %s, want an environment of its own after its init", got, time.Since(begin))
		}
		synctest.Wait()
		spares := 0
		for _, v := range s.Views() {
			if v.Spare {
				spares++
				if v.Tenant != "" {
					t.Errorf("a spare belongs to %s", v.Tenant)
				}
			}
		}
		if spares != 2 {
			t.Errorf("%d spares afterwards, want 2", spares)
		}
	})
}

func TestSparesFollowDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, counter())
		s.Prepare(s.version)
		spares := func() (n int) {
			synctest.Wait()
			for _, v := range s.Views() {
				if v.Spare {
					n++
				}
			}
			return n
		}
		if n := spares(); n != 1 {
			t.Errorf("%d spares before anybody came, want 1", n)
		}
		for i := range 20 {
			s.ask(t, function.TenantID(fmt.Sprint("tenant-", i)), "{}")
			if want := min(i+1, 8); spares() != want {
				t.Errorf("%d spares after %d new tenants, want %d", spares(), i+1, want)
			}
		}
	})
}

func TestSpareThatFailsIsNotTriedAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{Spares: 1}, func(p *sandboxtest.Program) sandbox.Exit {
			if p.Number == 1 {
				return sandbox.Exit{Code: 1}
			}
			return counter()(p)
		})
		s.Prepare(s.version)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(s.driver.Programs()); n != 1 {
			t.Errorf("%d processes were started, want 1", n)
		}
		s.ask(t, "alice", "{}")
		if n := len(s.driver.Programs()); n != 3 {
			t.Errorf("%d processes, want 3: the one that failed, alice's, and a spare", n)
		}
	})
}

// Source: AWS Lambda developer guide, configuration-concurrency.
func TestReservedConcurrencyIsKeptAndIsACeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{Concurrency: 3}, counter())
		other := *s.version
		other.Name = "other"
		s.Reserve("other", 1)
		var wg sync.WaitGroup
		busy := func(v *function.Version, tenant function.TenantID) {
			wg.Go(func() {
				_, _ = s.Invoke(t.Context(), v, environment.Invocation{Tenant: tenant, Payload: []byte("1s")})
			})
			synctest.Wait()
		}
		reason := func(v *function.Version) string {
			_, err := s.Invoke(t.Context(), v, environment.Invocation{Tenant: "z", Payload: []byte("{}")})
			var refusal *function.Refusal
			if !errors.As(err, &refusal) {
				return fmt.Sprint(err)
			}
			return refusal.Reason
		}
		busy(s.version, "a")
		busy(s.version, "b")
		if got := reason(s.version); got != "ConcurrentInvocationLimitExceeded" {
			t.Errorf("a third of the unreserved two: %s", got)
		}
		busy(&other, "a")
		if got := reason(&other); got != "ReservedFunctionConcurrentInvocationLimitExceeded" {
			t.Errorf("a second of the reserved one: %s", got)
		}
		wg.Wait()
		synctest.Wait()
		s.Reserve("other", 0)
		if got := reason(&other); got != "ReservedFunctionConcurrentInvocationLimitExceeded" {
			t.Errorf("a reservation of 0: %s", got)
		}
		s.Reserve("other", -1)
		if got := reason(&other); got != "<nil>" {
			t.Errorf("without a reservation: %s", got)
		}
	})
}

// One tenant with twenty requests in the queue delays another's only one by a
// single turn.
func TestQueueServesTenantsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{Concurrency: 1, QueueTimeout: time.Minute}, counter())
		begin := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := s.invoke(t.Context(), "noisy", "1s"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if _, err := s.invoke(t.Context(), "quiet", "1s"); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("the quiet tenant waited %s, want at most two turns and its own second", took)
		}
		wg.Wait()
		if took := time.Since(begin); took != 21*time.Second {
			t.Errorf("all took %s, want 21s", took)
		}
	})
}

func TestQueueGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{Concurrency: 1, QueueTimeout: time.Second}, counter())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.invoke(t.Context(), "alice", "2s") })
		synctest.Wait()
		begin := time.Now()
		_, err := s.invoke(t.Context(), "bob", "{}")
		var refusal *function.Refusal
		if !errors.As(err, &refusal) || time.Since(begin) != time.Second {
			t.Errorf("%v after %s, want a refusal after 1s", err, time.Since(begin))
		}
		wg.Wait()
		synctest.Wait()
		s.ask(t, "bob", "{}")
	})
}

func TestTenantConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{TenantConcurrency: 1}, counter())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.invoke(t.Context(), "noisy", "1s") })
		synctest.Wait()
		_, err := s.invoke(t.Context(), "noisy", "{}")
		var refusal *function.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != "CallerRateLimitExceeded" {
			t.Errorf("a second one at the same time: %v", err)
		}
		s.ask(t, "quiet", "{}")
		wg.Wait()
	})
}

func TestIdleEnvironmentIsFrozenUntilItsNextInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{FreezeAfter: time.Second}, counter())
		s.ask(t, "alice", "{}")
		s.ask(t, "bob", "{}")
		if n := s.driver.Frozen(); n != 0 {
			t.Errorf("%d are frozen at once, want 0", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := s.driver.Frozen(); n != 2 {
			t.Errorf("%d are frozen after their time, want 2", n)
		}
		if got := s.ask(t, "alice", "{}"); got != "p1#2" || s.driver.Frozen() != 1 {
			t.Errorf("%s, and %d are frozen; want p1#2 and bob's", got, s.driver.Frozen())
		}
		s.end()
		if n := s.driver.Frozen(); n != 0 {
			t.Errorf("%d ended frozen: a frozen process hears no signal", n)
		}
	})
}

func TestRetiredVersionServesWhatIsUnderWayAndLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, fleet.Config{}, counter())
		s.Prepare(s.version)
		s.ask(t, "alice", "{}")
		s.ask(t, "bob", "{}")
		var wg sync.WaitGroup
		wg.Go(func() {
			a, err := s.invoke(t.Context(), "alice", "1s")
			if err != nil || a.FunctionError {
				t.Errorf("what is under way: %v, %v", a, err)
			}
		})
		synctest.Wait()
		s.Retire(s.version)
		synctest.Wait()
		if n := s.driver.Live(); n != 1 {
			t.Errorf("%d processes live, want alice's, which serves", n)
		}
		wg.Wait()
		synctest.Wait()
		if n := s.driver.Live(); n != 0 {
			t.Errorf("%d processes live when it has served, want 0", n)
		}
		s.ask(t, "alice", "{}") // one that had the old version in its hand
		synctest.Wait()
		if n := s.driver.Live(); n != 0 {
			t.Errorf("%d processes live after a latecomer, want 0", n)
		}
	})
}

// Whatever happens in whatever order, an environment never serves two tenants,
// and each request gets exactly one answer.
func TestNoEnvironmentServesTwoTenants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := fleet.Config{
			Concurrency:  rapid.IntRange(1, 4).Draw(rt, "concurrency"),
			Environments: rapid.IntRange(1, 6).Draw(rt, "environments"),
			IdleTimeout:  time.Duration(rapid.IntRange(0, 3).Draw(rt, "idle seconds")) * time.Second,
			Spares:       rapid.IntRange(-1, 2).Draw(rt, "spares"),
			QueueTimeout: time.Duration(rapid.IntRange(0, 2).Draw(rt, "queue seconds")) * time.Second,

			TenantConcurrency: rapid.IntRange(0, 2).Draw(rt, "tenant concurrency"),
		}
		type request struct {
			after  time.Duration
			tenant function.TenantID
			do     string
			leaves bool
		}
		requests := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) request {
			return request{
				after:  time.Duration(rapid.IntRange(0, 1500).Draw(rt, "after ms")) * time.Millisecond,
				tenant: rapid.SampledFrom([]function.TenantID{"alice", "bob", "carol"}).Draw(rt, "tenant"),
				do:     rapid.SampledFrom([]string{"answer", "slow", "exit", "hang", "background"}).Draw(rt, "do"),
				leaves: rapid.Bool().Draw(rt, "leaves"),
			}
		}), 1, 30).Draw(rt, "requests")

		synctest.Test(t, func(t *testing.T) {
			s := start(t, cfg, func(p *sandboxtest.Program) sandbox.Exit {
				seen := ""
				for {
					e, err := p.Next()
					if err != nil {
						return sandbox.Exit{}
					}
					if seen != "" && seen != e.Tenant {
						t.Errorf("process %d served %s and then %s", p.Number, seen, e.Tenant)
					}
					seen = e.Tenant
					switch string(e.Payload) {
					case "slow":
						time.Sleep(time.Second)
					case "exit":
						return sandbox.Exit{Code: 1}
					case "hang":
						<-p.Killed
						return sandbox.Exit{}
					}
					p.Respond(e, e.Tenant)
					if string(e.Payload) == "background" {
						time.Sleep(time.Second)
					}
				}
			})
			s.Prepare(s.version)
			var wg sync.WaitGroup
			for _, r := range requests {
				time.Sleep(r.after)
				wg.Go(func() {
					ctx := t.Context()
					if r.leaves {
						c, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
						defer cancel()
						ctx = c
					}
					a, err := s.invoke(ctx, r.tenant, r.do)
					var refusal *function.Refusal
					switch {
					case errors.As(err, &refusal), r.leaves && errors.Is(err, context.DeadlineExceeded):
					case err != nil:
						t.Errorf("%s: %v", r.do, err)
					case !a.FunctionError && string(a.Payload) != string(r.tenant):
						t.Errorf("%s got the answer of %s", r.tenant, a.Payload)
					}
				})
			}
			wg.Wait()
			s.end()
			if n := s.driver.Live(); n != 0 || len(s.Views()) != 0 {
				t.Errorf("%d processes and %d environments are left", n, len(s.Views()))
			}
		})
	})
}
