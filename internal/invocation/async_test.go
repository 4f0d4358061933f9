package invocation

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/destination"
	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/store"
)

// answers is a fleet that answers by a function, and remembers what it got and
// when.
type answers struct {
	answer func(n int, inv environment.Invocation) (*environment.Answer, error)

	mu  sync.Mutex
	got []environment.Invocation
	at  []time.Duration // since begin
	beg time.Time
}

func (a *answers) Invoke(_ context.Context, _ *function.Version, inv environment.Invocation) (*environment.Answer, error) {
	a.mu.Lock()
	a.got = append(a.got, inv)
	a.at = append(a.at, time.Since(a.beg))
	n := len(a.got)
	a.mu.Unlock()
	return a.answer(n, inv)
}

// box is an outbox that keeps what was committed.
type box struct {
	mu   sync.Mutex
	sent []destination.Message
}

func (b *box) Stage(_ *store.Tx, m destination.Message) (func(), error) {
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sent = append(b.sent, m)
	}, nil
}

// texts are the messages in short: "target: body [attributes]".
func (b *box) texts() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, m := range b.sent {
		text := m.Target + ": " + string(m.Body)
		for _, a := range m.Attributes {
			text += fmt.Sprintf(" [%s %s %q]", a.Name, a.Type, a.Text)
		}
		all = append(all, text)
	}
	return all
}

const arnOrdinary = "arn:aws:lambda:us-east-1:123456789012:function:ordinary"

// async is an asynchronous side with three functions: ordinary, isolated, and
// blocked, whose reserved concurrency is 0.
type async struct {
	*Async
	fleet   *answers
	box     *box
	configs *function.EventInvokeConfigs
	backlog *backlog.Backlog
	store   *store.Store
}

func newAsync(t *testing.T, dir string, answer func(n int, inv environment.Invocation) (*environment.Answer, error)) *async {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests have closed it already
	events, err := backlog.Open(s, "async", backlog.Config{})
	if err != nil {
		t.Fatal(err)
	}
	none := 0
	r := function.NewRegistry("us-east-1", "123456789012")
	r.Put(&function.Version{Name: "isolated", Number: function.Latest, TenantIsolation: true, DeadLetterTarget: "arn:dead"})
	r.Put(&function.Version{Name: "ordinary", Number: function.Latest, DeadLetterTarget: "arn:dead"})
	r.Put(&function.Version{Name: "blocked", Number: function.Latest, DeadLetterTarget: "arn:dead", ReservedConcurrency: &none})
	a := &async{
		fleet:   &answers{answer: answer, beg: time.Now()},
		box:     &box{},
		configs: function.NewEventInvokeConfigs(),
		backlog: events,
		store:   s,
	}
	for _, name := range []string{"isolated", "ordinary", "blocked"} {
		a.configs.Put(name, "", function.EventInvokeConfig{OnSuccess: "arn:good", OnFailure: "arn:bad"})
	}
	a.Async = NewAsync(New(r, a.fleet), a.configs, events, a.box, AsyncConfig{})
	return a
}

func (a *async) accept(t *testing.T, r Request) {
	t.Helper()
	if err := a.Accept(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// run runs until nothing is left to do, or for a day.
func (a *async) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	for range 24 * 60 {
		synctest.Wait()
		if a.backlog.Len() == 0 {
			break
		}
		time.Sleep(time.Minute)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func done(payload string, functionError bool) (*environment.Answer, error) {
	return &environment.Answer{Payload: []byte(payload), FunctionError: functionError}, nil
}

func always(payload string, functionError bool) func(int, environment.Invocation) (*environment.Answer, error) {
	return func(int, environment.Invocation) (*environment.Answer, error) { return done(payload, functionError) }
}

// The records and messages of each end. The shapes are those that were recorded
// from AWS; only the tenant is Berth's.
// Source: AWS Lambda developer guide, invocation-async-retain-records.
func TestEnds(t *testing.T) {
	const failure = `{"errorMessage":"no <way>","errorType":"Refused"}`
	for _, tt := range []struct {
		name    string
		request Request
		config  function.EventInvokeConfig
		answer  func(int, environment.Invocation) (*environment.Answer, error)
		at      []time.Duration // of the attempts
	}{
		{"success", Request{Function: "ordinary"}, function.EventInvokeConfig{}, always(`{"ok": "a<b"}`, false),
			[]time.Duration{0}},
		{"success-without-value", Request{Function: "ordinary:$LATEST", Payload: []byte("[1, 2]")}, function.EventInvokeConfig{}, always("null", false),
			[]time.Duration{0}},
		{"not-json", Request{Function: "ordinary"}, function.EventInvokeConfig{}, always("plain", false),
			[]time.Duration{0}},
		{"retries-exhausted", Request{Function: "ordinary"}, function.EventInvokeConfig{}, always(failure, true),
			[]time.Duration{0, time.Minute, 3 * time.Minute}},
		{"no-retries", Request{Function: "ordinary"}, function.EventInvokeConfig{MaximumRetryAttempts: new(int)}, always(failure, true),
			[]time.Duration{0}},
		{"age-exceeded", Request{Function: "ordinary"}, function.EventInvokeConfig{MaximumEventAge: 90 * time.Second}, always(failure, true),
			[]time.Duration{0, time.Minute}},
		{"tenant", Request{Function: "isolated", Tenant: "alice"}, function.EventInvokeConfig{}, always(failure, true),
			[]time.Duration{0, time.Minute, 3 * time.Minute}},
		{"tenant-success", Request{Function: "isolated", Tenant: "alice"}, function.EventInvokeConfig{}, always("1", false),
			[]time.Duration{0}},
		{"zero-reserved-concurrency", Request{Function: "blocked"}, function.EventInvokeConfig{}, always("1", false), nil},
		{"no-error-message", Request{Function: "ordinary"}, function.EventInvokeConfig{MaximumRetryAttempts: new(int)}, always(`{}`, true),
			[]time.Duration{0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAsync(t, t.TempDir(), tt.answer)
				tt.config.OnSuccess, tt.config.OnFailure = "arn:good", "arn:bad"
				name, _, _ := strings.Cut(tt.request.Function, ":")
				a.configs.Put(name, "", tt.config)
				tt.request.ID, tt.request.TraceID = "00000000-0000-0000-0000-000000000001", "Root=1"
				a.accept(t, tt.request)
				a.run(t)
				if !slices.Equal(a.fleet.at, tt.at) {
					t.Errorf("attempts after %v, want %v", a.fleet.at, tt.at)
				}
				for _, inv := range a.fleet.got {
					if inv.RequestID != tt.request.ID || inv.Tenant != tt.request.Tenant || inv.TraceID != "Root=1" {
						t.Errorf("an attempt was %+v", inv)
					}
				}
				golden(t, tt.name, strings.Join(a.box.texts(), "\n")+"\n")
			})
		})
	}
}

var update = flag.Bool("update", false, "rewrite the files in testdata")

// golden compares got with a file in testdata/async. The shapes there are those
// that were recorded from AWS, with the values of the tests.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "async", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("messages:\n%swant:\n%s", got, want)
	}
}

// A throttle doesn't count: the function is tried after 1 s, 2 s, 4 s, …
// Source: AWS Lambda developer guide, invocation-async-error-handling.
func TestThrottledEventsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsync(t, t.TempDir(), func(n int, _ environment.Invocation) (*environment.Answer, error) {
			if n < 5 {
				return nil, &function.Refusal{Type: function.TooManyRequests, Message: "Rate Exceeded."}
			}
			return done("1", false)
		})
		a.accept(t, Request{Function: "ordinary"})
		a.run(t)
		want := []time.Duration{0, 1 * time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second}
		if !slices.Equal(a.fleet.at, want) {
			t.Errorf("attempts after %v, want %v", a.fleet.at, want)
		}
		if got := a.box.texts(); len(got) != 1 || !strings.Contains(got[0], `"condition":"Success","approximateInvokeCount":1`) {
			t.Errorf("%v", got)
		}
	})
}

// After six hours a throttled event is given up, and the last error is the
// throttle.
func TestThrottledForSixHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsync(t, t.TempDir(), func(int, environment.Invocation) (*environment.Answer, error) {
			return nil, &function.Refusal{Type: function.TooManyRequests, Message: "Rate Exceeded."}
		})
		a.accept(t, Request{Function: "ordinary"})
		a.run(t)
		last := a.fleet.at[len(a.fleet.at)-1]
		if last < 6*time.Hour-5*time.Minute || last > 6*time.Hour+5*time.Minute {
			t.Errorf("the last attempt was after %v", last)
		}
		got := a.box.texts()
		if len(got) != 2 || !strings.Contains(got[0], `"condition":"EventAgeExceeded","approximateInvokeCount":0},"requestPayload":{}}`) ||
			!strings.Contains(got[1], `[ErrorCode Number "429"]`) {
			t.Errorf("%v", got)
		}
	})
}

// One tenant's backlog of failing and slow events costs another tenant nothing.
func TestATenantsBacklogHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsync(t, t.TempDir(), func(_ int, inv environment.Invocation) (*environment.Answer, error) {
			if inv.Tenant == "noisy" {
				time.Sleep(15 * time.Minute)
			}
			return done("1", inv.Tenant == "noisy")
		})
		for range 500 {
			a.accept(t, Request{Function: "isolated", Tenant: "noisy"})
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx) }()
		synctest.Wait()
		begin := time.Now()
		for i := range 10 {
			a.accept(t, Request{Function: "isolated", Tenant: function.TenantID(fmt.Sprint("quiet-", i))})
		}
		synctest.Wait()
		if took := time.Since(begin); took != 0 || len(a.box.texts()) != 10 {
			t.Errorf("after %v, %d of 10 quiet tenants' events are done", took, len(a.box.texts()))
		}
		stop()
		<-ended
	})
}

// What fails while Berth is ending has its attempt again in the next process; what
// succeeds is done.
func TestTheEndOfBerthIsNobodysFailure(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var stop context.CancelFunc
		a := newAsync(t, dir, func(_ int, inv environment.Invocation) (*environment.Answer, error) {
			time.Sleep(time.Second)
			if inv.RequestID == "killed" {
				stop()
				return done(`{"errorType":"Runtime.ExitError"}`, true)
			}
			time.Sleep(time.Second)
			return done("1", false)
		})
		a.accept(t, Request{ID: "killed", Function: "ordinary"})
		a.accept(t, Request{ID: "ended", Function: "ordinary"})
		ctx, cancel := context.WithCancel(t.Context())
		stop = cancel
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
		if got := a.box.texts(); len(got) != 1 || !strings.Contains(got[0], `"requestId":"ended"`) {
			t.Errorf("%v", got)
		}
		_ = a.store.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		a := newAsync(t, dir, always("2", false))
		a.run(t)
		if got := a.box.texts(); len(got) != 1 || !strings.Contains(got[0], `"requestId":"killed","functionArn":"`+arnOrdinary+`:$LATEST","condition":"Success","approximateInvokeCount":1`) {
			t.Errorf("the next process: %v", got)
		}
	})
}

// An answer that was there before the process ended is in the record of an event
// that is too old afterwards.
func TestAnEventThatNobodyCouldRetryInTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a := newAsync(t, dir, always(`{"errorMessage":"first"}`, true))
		a.accept(t, Request{Function: "ordinary"})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx) }()
		synctest.Wait()
		stop()
		<-ended
		_ = a.store.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(7 * time.Hour) // the bubble's clock begins anew
		a := newAsync(t, dir, always("2", false))
		a.run(t)
		if len(a.fleet.got) != 0 {
			t.Error("it was invoked")
		}
		got := a.box.texts()
		if len(got) != 2 || !strings.HasSuffix(got[0], `"condition":"EventAgeExceeded","approximateInvokeCount":1},"requestPayload":{},`+
			`"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"first"}}`) ||
			!strings.Contains(got[1], `[ErrorMessage String "first"]`) {
			t.Errorf("%v", got)
		}
	})
}

func TestWhatIsNotAccepted(t *testing.T) {
	a := newAsync(t, t.TempDir(), always("1", false))
	for _, tt := range []struct {
		name    string
		request Request
		refusal string
	}{
		{"no tenant", Request{Function: "isolated"}, tenantMissing},
		{"an unwanted tenant", Request{Function: "ordinary", Tenant: "alice"}, tenantUnwanted},
		{"no such function", Request{Function: "nobody"}, "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nobody"},
		{"a megabyte and a byte", Request{Function: "ordinary", Payload: make([]byte, 1<<20+1)},
			"1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
	} {
		err := a.Accept(t.Context(), tt.request)
		if refusal := (*function.Refusal)(nil); !errors.As(err, &refusal) || refusal.Message != tt.refusal {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.refusal)
		}
	}
	if a.backlog.Len() != 0 {
		t.Error("something was accepted")
	}
	_ = a.store.Close()
	if err := a.Accept(t.Context(), Request{Function: "ordinary"}); err == nil {
		t.Error("accepted what could not be written")
	}
}

func TestErrorMessageIsCut(t *testing.T) {
	for _, tt := range []struct{ name, payload, want string }{
		{"short", `{"errorMessage":"no"}`, "no"},
		{"none", `{"errorType":"x"}`, ""},
		{"not an object", `[1]`, ""},
		{"long", `{"errorMessage":"` + strings.Repeat("a", 2000) + `"}`, strings.Repeat("a", 1024)},
		{"a character at the cut", `{"errorMessage":"` + strings.Repeat("a", 1023) + `é"}`, strings.Repeat("a", 1023)},
	} {
		if got := errorMessage([]byte(tt.payload)); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", tt.name, len(got), len(tt.want))
		}
	}
}
