package lambda

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/lambda/internal/host"
)

// recorder notes what is opened and closed.
type recorder struct {
	mu    sync.Mutex
	steps []string
}

func (r *recorder) note(step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, step)
}

func (r *recorder) service(name string, fails error) Service { return service{r, name, fails} }

type service struct {
	r     *recorder
	name  string
	fails error
}

func (s service) Open(context.Context) error  { s.r.note("open " + s.name); return s.fails }
func (s service) Close(context.Context) error { s.r.note("close " + s.name); return s.fails }

func TestServicesOpenInOrderAndCloseInTheOther(t *testing.T) {
	p := newPlatform(t)
	var got recorder
	r := p.start(Bytes(func(context.Context, []byte) ([]byte, error) { got.note("serve"); return nil, nil }),
		Services(got.service("a", nil), got.service("b", nil)),
		OnInit(func(context.Context) error { got.note("init"); return nil }),
		OnShutdown(func(context.Context) error { got.note("shutdown"); return nil }))
	c := p.accept()
	c.invoke("1", `{}`)
	c.answer("1")
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	want := []string{"open a", "open b", "init", "serve", "shutdown", "close b", "close a"}
	if !slices.Equal(got.steps, want) {
		t.Errorf("the steps were %q, want %q", got.steps, want)
	}
}

func TestInitThatFails(t *testing.T) {
	down := errors.New("the database is down")
	for _, tt := range []struct {
		name   string
		option func(*recorder) Option
		steps  []string
		body   string
	}{
		{"a service", func(r *recorder) Option {
			return Services(r.service("a", nil), r.service("b", down), r.service("c", nil))
		}, []string{"open a", "open b", "close a"}, `{"errorMessage":"the database is down","errorType":"errorString"}`},
		{"a hook", func(*recorder) Option {
			return OnInit(func(context.Context) error { return &Error{"DatabaseDown", "down"} })
		}, nil, `{"errorMessage":"down","errorType":"DatabaseDown"}`},
		{"by a panic", func(*recorder) Option {
			return OnInit(func(context.Context) error { panic("down") })
		}, nil, `{"errorMessage":"down","errorType":"Panic","stackTrace":["`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			var got recorder
			r := p.start(Bytes(echo), tt.option(&got))
			c := p.accept()
			if sent := c.expect("POST /2018-06-01/runtime/init/error"); !strings.HasPrefix(sent.body, tt.body) {
				t.Errorf("sent %s", sent.body)
			}
			c.say(accepted)
			err := r.wait()
			if e := (*InitError)(nil); !errors.As(err, &e) {
				t.Errorf("Run returned %v", err)
			}
			if !slices.Equal(got.steps, tt.steps) {
				t.Errorf("the steps were %q, want %q", got.steps, tt.steps)
			}
		})
	}
}

func TestShutdownThatFailsKeepsNoOtherFromClosing(t *testing.T) {
	p := newPlatform(t)
	var got recorder
	r := p.start(Bytes(echo), Services(got.service("a", nil)), OnShutdown(func(context.Context) error { panic("stuck") }))
	p.accept().expect("GET /2018-06-01/runtime/invocation/next")
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if !slices.Equal(got.steps, []string{"open a", "close a"}) || !strings.Contains(p.log.String(), "stuck") {
		t.Errorf("the steps were %q; logged %s", got.steps, p.log.String())
	}
}

// The invocation in flight is told, and may still answer.
func TestShutdownWaitsForTheInvocationInFlight(t *testing.T) {
	p := newPlatform(t)
	var got recorder
	serving := make(chan bool)
	r := p.start(Bytes(func(ctx context.Context, _ []byte) ([]byte, error) {
		serving <- true
		<-ctx.Done()
		got.note("served")
		return []byte("last"), nil
	}), Services(got.service("a", nil)))
	c := p.accept()
	c.invoke("1", `{}`)
	<-serving
	r.cancel()
	if a := c.answer("1"); a.body != "last" {
		t.Errorf("answered %s", a.body)
	}
	if err := r.wait(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if want := []string{"open a", "served", "close a"}; !slices.Equal(got.steps, want) {
		t.Errorf("the steps were %q, want %q", got.steps, want)
	}
}

func TestShutdownDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		release := make(chan bool)
		ctx, cancel := context.WithCancel(t.Context())
		var hook time.Time
		returned := make(chan error)
		go func() {
			returned <- Run(ctx, Bytes(func(context.Context, []byte) ([]byte, error) { <-release; return nil, nil }),
				OnShutdown(func(ctx context.Context) error { hook, _ = ctx.Deadline(); return nil }),
				WithLogger(slog.New(slog.DiscardHandler)),
				WithHost(host.Host{
					Getenv: func(key string) string { return map[string]string{"AWS_LAMBDA_RUNTIME_API": "pipe"}[key] },
					Dial:   func(string, bool) (io.ReadWriteCloser, error) { return near, nil },
				}))
		}()
		c := &peer{t, far, bufio.NewReader(far)}
		c.invoke("1", `{}`)
		synctest.Wait()
		signal := time.Now()
		cancel()
		if err := <-returned; err != nil {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(signal); took != drainTime {
			t.Errorf("it waited %v for the invocation, want %v", took, drainTime)
		}
		if total := hook.Sub(signal); total != shutdownTime {
			t.Errorf("the hook had to end %v after the signal, want %v", total, shutdownTime)
		}
		close(release)
		c.answer("1")
	})
}

func TestPanicSkipsShutdown(t *testing.T) {
	p := newPlatform(t)
	var got recorder
	r := p.start(Bytes(func(context.Context, []byte) ([]byte, error) { panic("broken") }), Services(got.service("a", nil)))
	c := p.accept()
	c.invoke("1", `{}`)
	c.failure("1")
	r.wait()
	if !slices.Equal(got.steps, []string{"open a"}) {
		t.Errorf("the steps were %q", got.steps)
	}
}

func TestManagedInstanceServesAsManyAtOnce(t *testing.T) {
	const n = 50
	p := newPlatform(t)
	p.env["AWS_LAMBDA_MAX_CONCURRENCY"] = "50"
	var all sync.WaitGroup
	all.Add(n)
	r := p.start(Bytes(func(ctx context.Context, event []byte) ([]byte, error) {
		all.Done()
		all.Wait() // until as many are being served
		inv, _ := FromContext(ctx)
		return []byte(inv.RequestID + string(event)), nil
	}))
	var peers []*peer
	for range n {
		peers = append(peers, p.accept())
	}
	for i, c := range peers {
		c.invoke(string(rune('A'+i%26)), string(rune('a'+i%26)))
	}
	for i, c := range peers {
		id, event := string(rune('A'+i%26)), string(rune('a'+i%26))
		if got := c.answer(id); got.body != id+event {
			t.Errorf("invocation %s was answered %s", id, got.body)
		}
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// One loop that can't go on ends the others when they have answered.
func TestManagedInstanceEndsAsOne(t *testing.T) {
	p := newPlatform(t)
	p.env["AWS_LAMBDA_MAX_CONCURRENCY"] = "2"
	serving := make(chan bool)
	r := p.start(Bytes(func(_ context.Context, event []byte) ([]byte, error) {
		if string(event) == "panic" {
			panic("broken")
		}
		serving <- true
		serving <- true
		return event, nil
	}))
	a, b := p.accept(), p.accept()
	a.invoke("1", "slow")
	<-serving
	b.invoke("2", "panic")
	b.failure("2")
	<-serving
	if got := a.answer("1"); got.body != "slow" {
		t.Errorf("answered %s", got.body)
	}
	if e := (*PanicError)(nil); !errors.As(r.wait(), &e) {
		t.Errorf("Run returned %v", r.err)
	}
}

func TestTraceIDIsTheProcessesWhereItServesOneAtATime(t *testing.T) {
	for _, tt := range []struct {
		concurrency string
		want        []string
	}{{"", []string{"Root=1", ""}}, {"1", []string{"Root=1", ""}}, {"2", nil}} {
		t.Run("concurrency "+tt.concurrency, func(t *testing.T) {
			p := newPlatform(t)
			p.env["AWS_LAMBDA_MAX_CONCURRENCY"] = tt.concurrency
			var got recorder
			p.setenv = func(key, value string) error {
				if key != "_X_AMZN_TRACE_ID" {
					t.Errorf("set %s", key)
				}
				got.note(value)
				return nil
			}
			r := p.start(Bytes(echo))
			c := p.accept()
			c.invoke("1", `{}`, "Lambda-Runtime-Trace-Id: Root=1")
			c.answer("1")
			c.invoke("2", `{}`)
			c.answer("2")
			r.stop()
			if !slices.Equal(got.steps, tt.want) {
				t.Errorf("it was set to %q, want %q", got.steps, tt.want)
			}
		})
	}
}
