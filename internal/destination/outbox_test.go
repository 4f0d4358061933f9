package destination

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/queue"
	"github.com/berthdev/berth/internal/sqs"
	"github.com/berthdev/berth/internal/store"
)

// sender fails as often as it is told to.
type sender struct {
	fail func(n int) error

	mu sync.Mutex
	at []time.Duration
	t0 time.Time
}

func (s *sender) Send(context.Context, Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Since(s.t0))
	return s.fail(len(s.at))
}

// post is an outbox with one queue and two functions on this machine.
type post struct {
	*Outbox
	store  *store.Store
	queues *sqs.Queues
	events *backlog.Backlog
	sender *sender
}

func newPost(t *testing.T, dir string, fail func(n int) error) *post {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests have closed it already
	p := &post{store: s, sender: &sender{fail: fail, t0: time.Now()}}
	messages, err1 := backlog.Open(s, "destination", backlog.Config{})
	events, err2 := backlog.Open(s, "async", backlog.Config{})
	queues, err3 := sqs.Open(s, "us-east-1", "123456789012")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	settings := queue.Defaults("here")
	settings.MaximumMessage = 1024
	if err := queues.Put(settings); err != nil {
		t.Fatal(err)
	}
	r := function.NewRegistry("us-east-1", "123456789012")
	r.Put(&function.Version{Name: "isolated", Number: function.Latest, TenantIsolation: true})
	r.Put(&function.Version{Name: "ordinary", Number: function.Latest})
	cfg := Config{Queues: queues}
	if fail != nil {
		cfg.Sender = p.sender
	}
	p.queues, p.events = queues, events
	p.Outbox = NewOutbox(messages, events, r, cfg)
	return p
}

func (p *post) put(t *testing.T, m Message) {
	t.Helper()
	m.Time = time.Now()
	var visible func()
	err := p.store.Update(func(tx *store.Tx) (err error) {
		visible, err = p.Stage(tx, m)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	visible()
}

// run delivers until nothing is left to do, or for a day.
func (p *post) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	for range 24 * 60 {
		synctest.Wait()
		if p.Len() == 0 {
			break
		}
		time.Sleep(time.Minute)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// arrived is what the queue and the functions of this machine have got.
func (p *post) arrived(t *testing.T) string {
	t.Helper()
	var all []string
	got, err := p.queues.Receive(t.Context(), p.queues.ARN("here"), sqs.Ask{Max: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got {
		all = append(all, fmt.Sprintf("here: %s %v %s", r.Body, r.Attributes, r.Trace))
	}
	for p.events.Len() > 0 {
		c, err := p.events.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s: %s for %q", c.Event.Target[strings.LastIndexByte(c.Event.Target, ':')+1:], c.Payload, c.Event.Tenant))
		if err := p.events.Done(c, nil); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(all, "; ")
}

const (
	here      = "arn:aws:sqs:us-east-1:123456789012:here"
	elsewhere = "arn:aws:sns:us-east-1:123456789012:topic"
	isolated  = "arn:aws:lambda:us-east-1:123456789012:function:isolated"
	ordinary  = "arn:aws:lambda:us-east-1:123456789012:function:ordinary"
)

func TestDelivery(t *testing.T) {
	tenant := []queue.Attribute{{Name: "TenantId", Type: "String", Text: "alice"}}
	later := func(n int) error {
		if n < 4 {
			return errors.New("connection refused")
		}
		return nil
	}
	for _, tt := range []struct {
		name    string
		message Message
		fail    func(n int) error // nil: there is nothing beyond this machine
		arrived string
		sent    []time.Duration
	}{
		{"to a queue", Message{Target: here, Body: []byte("{}"), Attributes: tenant, TraceID: "Root=1", Tenant: "alice"}, nil,
			"here: {} [{TenantId String alice []}] Root=1", nil},
		{"to an isolated function: the tenant goes with it", Message{Target: isolated, Body: []byte("1"), Tenant: "alice"}, nil, `isolated: 1 for "alice"`, nil},
		{"to an isolated function without a tenant: refused", Message{Target: isolated, Body: []byte("1")}, nil, "", nil},
		{"to an ordinary function: it can't take a tenant", Message{Target: ordinary, Body: []byte("1"), Tenant: "alice"}, nil, `ordinary: 1 for ""`, nil},
		{"to a function that is not there", Message{Target: ordinary + "s", Body: []byte("1")}, nil, "", nil},
		{"to a queue that refuses it", Message{Target: here, Body: []byte(strings.Repeat("x", 1025))}, nil, "", nil},
		{"to nowhere", Message{Target: elsewhere, Body: []byte("1")}, nil, "", nil},
		{"to something that is no target", Message{Target: "here", Body: []byte("1")}, nil, "", nil},
		{"beyond this machine", Message{Target: elsewhere, Body: []byte("1")}, func(int) error { return nil }, "", []time.Duration{0}},
		{"beyond this machine, where nobody answers yet", Message{Target: elsewhere, Body: []byte("1")}, later, "",
			[]time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}},
		{"beyond this machine, where it is refused", Message{Target: elsewhere, Body: []byte("1")},
			func(int) error { return &RefusedError{Target: elsewhere, Reason: "NotFound"} }, "", []time.Duration{0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPost(t, t.TempDir(), tt.fail)
			p.put(t, tt.message)
			p.run(t)
			if got := p.arrived(t); got != tt.arrived {
				t.Errorf("%s: arrived %s, want %s", tt.name, got, tt.arrived)
			}
			if !slices.Equal(p.sender.at, tt.sent) {
				t.Errorf("%s: sent after %v, want %v", tt.name, p.sender.at, tt.sent)
			}
			if n := p.Len(); n != 0 {
				t.Errorf("%s: %d messages are left", tt.name, n)
			}
		})
	}
}

func TestAMessageIsGivenUpAfterSixHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, t.TempDir(), func(int) error { return errors.New("connection refused") })
		p.put(t, Message{Target: elsewhere, Body: []byte("1")})
		p.run(t)
		if last := p.sender.at[len(p.sender.at)-1]; last < MaxAge || last > MaxAge+5*time.Minute || p.Len() != 0 {
			t.Errorf("the last attempt was after %v; %d messages are left", last, p.Len())
		}
	})
}

// What has not reached its target outlives the process.
func TestMessagesOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, dir, nil)
		p.put(t, Message{Target: here, Body: []byte("1")})
		p.put(t, Message{Target: ordinary, Body: []byte("2")})
		_ = p.store.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, dir, nil)
		p.run(t)
		if got := p.arrived(t); got != `here: 1 [] ; ordinary: 2 for ""` {
			t.Errorf("arrived %s", got)
		}
	})
}
