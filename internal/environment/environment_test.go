package environment_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
	"github.com/berthdev/berth/internal/telemetry"
)

// notes is a sink that remembers.
type notes struct {
	mu      sync.Mutex
	lines   []string
	reports []telemetry.Report
}

func (n *notes) Log(r telemetry.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, r.Line)
}

func (n *notes) Report(r telemetry.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reports = append(n.reports, r)
}

// stage is one environment in a bubble where time is what the test says.
type stage struct {
	*environment.Environment
	driver *sandboxtest.Driver
	notes  *notes
	end    func() // and wait until nothing is left
	states *[]environment.State
}

// start runs an environment of program, and ends it with the test.
func start(t *testing.T, program func(*sandboxtest.Program) sandbox.Exit, change func(*environment.Config)) *stage {
	t.Helper()
	s := &stage{driver: &sandboxtest.Driver{Program: program, PeakMemory: 36 << 20}, notes: &notes{}, states: new([]environment.State)}
	var mu sync.Mutex
	cfg := environment.Config{
		ID: "e1", Driver: s.driver, Region: "us-east-1", Sink: s.notes, Logger: slog.New(slog.DiscardHandler),
		Version: &function.Version{Name: "counter", Number: function.Latest, CodeDir: "/code", MemoryMB: 128,
			EphemeralStorageMB: 512, Timeout: 3 * time.Second, TenantIsolation: true},
		Changed: func(state environment.State) {
			mu.Lock()
			defer mu.Unlock()
			*s.states = append(*s.states, state)
		},
	}
	if change != nil {
		change(&cfg)
	}
	s.Environment = environment.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	s.end = func() { cancel(); wg.Wait() }
	t.Cleanup(s.end)
	<-s.Ready()
	return s
}

func event(id string, tenant function.TenantID, payload string) environment.Invocation {
	return environment.Invocation{RequestID: id, InvokedARN: "arn:aws:lambda:us-east-1:123456789012:function:counter",
		TraceID: "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700", Tenant: tenant, Payload: []byte(payload)}
}

func invoke(t *testing.T, s *stage, inv environment.Invocation) *environment.Answer {
	t.Helper()
	a, err := s.Invoke(t.Context(), inv)
	if err != nil {
		t.Fatalf("invoke %s: %v", inv.RequestID, err)
	}
	<-a.Done()
	return a
}

func echo(p *sandboxtest.Program, e *sandboxtest.Event) string {
	return `{"tenant":"` + e.Tenant + `","event":` + string(e.Payload) + `}`
}

func TestInvocationGoesThereAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var header http.Header
		s := start(t, sandboxtest.Serve(func(p *sandboxtest.Program, e *sandboxtest.Event) string {
			header = e.Header
			fmt.Fprintln(p.Stdout, "hello")
			time.Sleep(20 * time.Millisecond)
			return echo(p, e)
		}), nil)
		inv := event("r1", "alice", `{"a":1}`)
		inv.ClientContext = []byte(`{"custom":{}}`)
		a := invoke(t, s, inv)

		if got, want := string(a.Payload), `{"tenant":"alice","event":{"a":1}}`; got != want || a.FunctionError {
			t.Errorf("answer %s (function error: %v), want %s", got, a.FunctionError, want)
		}
		// Source: AWS Lambda developer guide, runtimes-api.
		for name, want := range map[string]string{
			"Lambda-Runtime-Aws-Request-Id":       "r1",
			"Lambda-Runtime-Aws-Tenant-Id":        "alice",
			"Lambda-Runtime-Invoked-Function-Arn": inv.InvokedARN,
			"Lambda-Runtime-Trace-Id":             inv.TraceID,
			"Lambda-Runtime-Client-Context":       `{"custom":{}}`,
			"Lambda-Runtime-Deadline-Ms":          fmt.Sprint(time.Now().Add(3*time.Second - 20*time.Millisecond).UnixMilli()),
			"Content-Type":                        "application/json",
			"Date":                                "",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		want := []string{
			"INIT_START Runtime Version: berth",
			"START RequestId: r1 Version: $LATEST",
			"hello",
			"END RequestId: r1",
			"REPORT RequestId: r1\tDuration: 20.00 ms\tBilled Duration: 20 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t",
		}
		if !slices.Equal(s.notes.lines, want) {
			t.Errorf("log:\n%q\nwant\n%q", s.notes.lines, want)
		}
		if got := string(a.Tail()); got != strings.Join(want[1:], "\n")+"\n" {
			t.Errorf("tail:\n%s", got)
		}
	})
}

func TestEnvironmentServesOneTenantForItsWholeLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sandboxtest.Serve(echo), nil)
		invoke(t, s, event("r1", "alice", "{}"))
		for _, other := range []function.TenantID{"bob", ""} {
			if _, err := s.Invoke(t.Context(), event("r2", other, "{}")); !errors.Is(err, environment.ErrTenant) {
				t.Errorf("an environment of alice's took an event of %q: %v", other, err)
			}
		}
		invoke(t, s, event("r3", "alice", "{}"))
	})
}

// The payloads are Lambda's own. Source: AWS Lambda developer guide,
// lambda-runtime-environment and runtimes-api.
func TestEnds(t *testing.T) {
	once := func(do func(*sandboxtest.Program, *sandboxtest.Event) sandbox.Exit) func(*sandboxtest.Program) sandbox.Exit {
		return func(p *sandboxtest.Program) sandbox.Exit {
			e, err := p.Next()
			if err != nil {
				return sandbox.Exit{Code: 1}
			}
			return do(p, e)
		}
	}
	for _, tt := range []struct {
		name    string
		program func(*sandboxtest.Program) sandbox.Exit
		payload string
		report  string // the end of the REPORT line
	}{
		{"a timeout",
			once(func(p *sandboxtest.Program, _ *sandboxtest.Event) sandbox.Exit { <-p.Killed; return sandbox.Exit{} }),
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r1 Error: Task timed out after 3.00 seconds"}`,
			"Status: timeout"},
		{"exit 0 in the handler",
			once(func(*sandboxtest.Program, *sandboxtest.Event) sandbox.Exit { return sandbox.Exit{} }),
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r1 Error: Runtime exited without providing a reason"}`,
			"Status: error\tError Type: Runtime.ExitError"},
		{"exit 1 in the handler",
			once(func(*sandboxtest.Program, *sandboxtest.Event) sandbox.Exit { return sandbox.Exit{Code: 1} }),
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r1 Error: Runtime exited with error: exit status 1"}`,
			"Status: error\tError Type: Runtime.ExitError"},
		{"a signal",
			once(func(*sandboxtest.Program, *sandboxtest.Event) sandbox.Exit { return sandbox.Exit{Signal: 11} }),
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r1 Error: Runtime exited with error: signal: segmentation fault"}`,
			"Status: error\tError Type: Runtime.ExitError"},
		{"out of memory",
			once(func(*sandboxtest.Program, *sandboxtest.Event) sandbox.Exit {
				return sandbox.Exit{Signal: 9, OutOfMemory: true}
			}),
			`{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: r1 Error: Runtime exited with error: signal: killed"}`,
			"Status: error\tError Type: Runtime.OutOfMemory"},
		{"an answer, and then an exit",
			once(func(p *sandboxtest.Program, e *sandboxtest.Event) sandbox.Exit {
				p.Fail(e, `{"errorMessage":"no","errorType":"E"}`)
				return sandbox.Exit{Code: 1}
			}),
			`{"errorMessage":"no","errorType":"E"}`,
			"Status: error\tError Type: Runtime.Unknown"},
		{"an exit in init",
			func(*sandboxtest.Program) sandbox.Exit { return sandbox.Exit{Code: 7} },
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r1 Error: Runtime exited with error: exit status 7"}`,
			"Status: error\tError Type: Runtime.ExitError"},
		{"an error that the runtime reports in init",
			func(p *sandboxtest.Program) sandbox.Exit {
				p.Post("/2018-06-01/runtime/init/error", `{"errorMessage":"no database","errorType":"E"}`, nil)
				return sandbox.Exit{Code: 1}
			},
			`{"errorMessage":"no database","errorType":"E"}`,
			"Status: error\tError Type: Runtime.Unknown"},
		{"an init without end",
			func(p *sandboxtest.Program) sandbox.Exit { <-p.Killed; return sandbox.Exit{} },
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r1 Error: Task timed out after 10.00 seconds"}`,
			"Status: timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, tt.program, nil)
				a := invoke(t, s, event("r1", "alice", "{}"))
				if string(a.Payload) != tt.payload || !a.FunctionError {
					t.Errorf("answer %s (function error: %v), want %s", a.Payload, a.FunctionError, tt.payload)
				}
				last := s.notes.lines[len(s.notes.lines)-1]
				if !strings.HasPrefix(last, "REPORT RequestId: r1\t") || !strings.HasSuffix(last, tt.report) {
					t.Errorf("last line %q, want a REPORT that ends in %q", last, tt.report)
				}
				s.end()
				if s.State() != environment.Dead || s.driver.Live() != 0 {
					t.Errorf("afterwards it is %s, and %d processes live", s.State(), s.driver.Live())
				}
			})
		})
	}
}

func TestStartErrors(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		payload string // of the invocation; "" if the fault is the machine's
	}{
		{"no bootstrap", &sandbox.StartError{Command: "/var/task/bootstrap", Err: errors.New("no such file")},
			`{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r1 Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}`},
		{"a machine that can't", &sandbox.UnavailableError{Isolation: "namespace", Reason: "no"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := environment.New(environment.Config{ID: "e1", Driver: &sandboxtest.Driver{Err: tt.err},
					Version: &function.Version{Name: "counter", Number: function.Latest, Timeout: time.Second},
					Changed: func(environment.State) {}, Sink: telemetry.Discard{}, Logger: slog.New(slog.DiscardHandler)})
				var wg sync.WaitGroup
				wg.Go(func() { e.Run(t.Context()) })
				<-e.Ready()
				failed, err := e.InitFailed()
				if !failed || (err == nil) != (tt.payload != "") {
					t.Fatalf("InitFailed = %v, %v", failed, err)
				}
				if err == nil {
					a, err := e.Invoke(t.Context(), event("r1", "", "{}"))
					if err != nil || string(a.Payload) != tt.payload {
						t.Errorf("answer %v, %v, want %s", a, err, tt.payload)
					}
				}
				wg.Wait()
			})
		})
	}
}

// The errors are those of the AWS Lambda developer guide, runtimes-api.
func TestRuntimeAPIRefuses(t *testing.T) {
	const base = "/2018-06-01/runtime/invocation/"
	long := strings.Repeat("x", function.MaxResponse+1)
	var answers []string
	say := func(status int, body string) { answers = append(answers, fmt.Sprintf("%d %s", status, body)) }
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(p *sandboxtest.Program) sandbox.Exit {
			for {
				e, err := p.Next()
				if err != nil {
					return sandbox.Exit{}
				}
				switch string(e.Payload) {
				case `"wrong id"`:
					say(p.Post(base+"other/response", "1", nil))
					say(p.Post(base+"other/error", "1", nil))
				case `"wrong attempt"`:
					say(p.Post(base+e.RequestID+"/response", "1", http.Header{"Lambda-Runtime-Invocation-Id": {"x"}}))
					p.Post(base+e.RequestID+"/response", "1", http.Header{"Lambda-Runtime-Invocation-Id": e.Header["Lambda-Runtime-Invocation-Id"]})
					continue
				case `"twice"`:
					p.Respond(e, "1")
					say(p.Respond(e, "2"))
					continue
				case `"asks before it answers"`:
					_, err := p.Next()
					answers = append(answers, err.Error())
				case `"init error too late"`:
					say(p.Post("/2018-06-01/runtime/init/error", "{}", nil))
				case `"wrong mode"`:
					say(p.Post(base+e.RequestID+"/response", "1", http.Header{"Lambda-Runtime-Function-Response-Mode": {"fast"}}))
					continue
				case `"too long"`:
					say(p.Respond(e, long))
					continue
				}
				p.Respond(e, "1")
			}
		}, nil)
		for _, tt := range []struct{ name, payload string }{
			{"wrong id", "1"}, {"wrong attempt", "1"}, {"twice", "1"}, {"asks before it answers", "1"}, {"init error too late", "1"},
			{"wrong mode", `{"errorType":"Runtime.InvalidResponseModeHeader","errorMessage":"RequestId: r1 Error: Invalid function response mode"}`},
			{"too long", `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`},
			{"and the next one works", "1"},
		} {
			if a := invoke(t, s, event("r1", "alice", `"`+tt.name+`"`)); string(a.Payload) != tt.payload {
				t.Errorf("%s: answer %.200s, want %s", tt.name, a.Payload, tt.payload)
			}
		}
	})
	want := []string{
		`400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`,
		`400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`,
		`400 {"errorMessage":"Invalid invocation ID","errorType":"InvalidInvocationId"}`,
		`403 {"errorMessage":"State transition from busy to answered twice failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`,
		`next: 403 Forbidden: {"errorMessage":"State transition from busy to asked failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`,
		`403 {"errorMessage":"State transition from busy to failed in init failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`,
		`400 {"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}`,
		`413 {"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}`,
	}
	if !slices.Equal(answers, want) {
		t.Errorf("answers:\n%s\nwant\n%s", strings.Join(answers, "\n"), strings.Join(want, "\n"))
	}
}

func TestAnswerComesBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sandboxtest.Serve(echo), func(c *environment.Config) {
			c.Driver.(*sandboxtest.Driver).Program = func(p *sandboxtest.Program) sandbox.Exit {
				e, _ := p.Next()
				p.Respond(e, `"early"`)
				time.Sleep(time.Second) // background work
				_, _ = p.Next()
				return sandbox.Exit{}
			}
		})
		begin := time.Now()
		a, err := s.Invoke(t.Context(), event("r1", "alice", "{}"))
		if err != nil || string(a.Payload) != `"early"` || time.Since(begin) != 0 {
			t.Fatalf("answer %v, %v after %s", a, err, time.Since(begin))
		}
		if s.State() != environment.Busy {
			t.Errorf("while it works in the background it is %s, want busy", s.State())
		}
		<-a.Done()
		if r := a.Report(); r.Duration != time.Second || r.Response != 0 {
			t.Errorf("duration %s, response %s; want 1s, 0s", r.Duration, r.Response)
		}
	})
}

func TestBackgroundWorkIsEndedByTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(p *sandboxtest.Program) sandbox.Exit {
			e, _ := p.Next()
			p.Respond(e, `"early"`)
			<-p.Killed
			return sandbox.Exit{}
		}, nil)
		a := invoke(t, s, event("r1", "alice", "{}"))
		if string(a.Payload) != `"early"` || a.FunctionError {
			t.Errorf("answer %s, %v", a.Payload, a.FunctionError)
		}
		if r := a.Report(); r.Status != telemetry.Timeout || r.Duration != 3*time.Second {
			t.Errorf("%s after %s, want timeout after 3s", r.Status, r.Duration)
		}
	})
}

func TestCallerWhoLeavesDoesNotDisturb(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sandboxtest.Serve(func(p *sandboxtest.Program, e *sandboxtest.Event) string {
			time.Sleep(time.Second)
			return echo(p, e)
		}), nil)
		gone := errors.New("gone")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, gone)
		defer cancel()
		if _, err := s.Invoke(ctx, event("r1", "alice", "{}")); !errors.Is(err, gone) {
			t.Errorf("error %v, want %v", err, gone)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s.State() != environment.Idle {
			t.Errorf("it is %s, want idle", s.State())
		}
		invoke(t, s, event("r2", "alice", "{}"))
	})
}

func TestEndAnswersWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sandboxtest.Serve(func(p *sandboxtest.Program, _ *sandboxtest.Event) string { <-p.Killed; return "" }), nil)
		var wg sync.WaitGroup
		wg.Go(func() {
			a := invoke(t, s, event("r1", "alice", "{}"))
			if want := `{"errorType":"Sandbox.Failure","errorMessage":"RequestId: r1 Error: The environment was ended"}`; string(a.Payload) != want {
				t.Errorf("answer %s, want %s", a.Payload, want)
			}
		})
		synctest.Wait()
		s.End()
		wg.Wait()
		s.end()
		want := []environment.State{environment.Init, environment.Idle, environment.Draining, environment.Dead}
		if !slices.Equal(*s.states, want) {
			t.Errorf("states %v, want %v", *s.states, want)
		}
	})
}

func TestOneEventAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sandboxtest.Serve(func(p *sandboxtest.Program, e *sandboxtest.Event) string {
			time.Sleep(time.Second)
			return echo(p, e)
		}), nil)
		var wg sync.WaitGroup
		wg.Go(func() { invoke(t, s, event("r1", "alice", "{}")) })
		synctest.Wait()
		if _, err := s.Invoke(t.Context(), event("r2", "alice", "{}")); !errors.Is(err, environment.ErrNotIdle) {
			t.Errorf("a busy environment took another event: %v", err)
		}
		wg.Wait()
	})
}

func TestJSONLogsCarryTheTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sandboxtest.Serve(func(p *sandboxtest.Program, e *sandboxtest.Event) string {
			fmt.Fprintln(p.Stdout, `{"level":"DEBUG","message":"hidden"}`)
			fmt.Fprintln(p.Stdout, `{"level":"INFO","message":"shown"}`)
			return echo(p, e)
		}), func(c *environment.Config) {
			v := *c.Version
			v.Logging = function.Logging{Format: "JSON"}
			c.Version = &v
		})
		a := invoke(t, s, event("r1", "alice", "{}"))
		got := regexp.MustCompile(`"(time|durationMs|billedDurationMs)":("[^"]*"|[0-9.]+)`).ReplaceAll(a.Tail(), []byte(`"$1":0`))
		want := `{"time":0,"type":"platform.start","record":{"requestId":"r1","version":"$LATEST","functionArn":"arn:aws:lambda:us-east-1:123456789012:function:counter","tenantId":"alice"}}
{"level":"INFO","message":"shown"}
{"time":0,"type":"platform.report","record":{"requestId":"r1","status":"success","metrics":{"durationMs":0,"billedDurationMs":0,"memorySizeMB":128,"maxMemoryUsedMB":36},"tenantId":"alice"}}
`
		if !bytes.Equal(got, []byte(want)) {
			t.Errorf("log:\n%s\nwant\n%s", got, want)
		}
	})
}

func TestVariables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sandboxtest.Serve(echo), func(c *environment.Config) {
			v := *c.Version
			v.Environment = map[string]string{"TABLE": "t1", "AWS_REGION": "moon-1", "_SECRET": "x", "TZ": "Europe/Berlin"}
			c.Version = &v
			c.Credentials = environment.Credentials{AccessKeyID: "A", SecretAccessKey: "S", SessionToken: "T"}
		})
		env := s.driver.Programs()[0].Spec.Env
		for _, want := range []string{
			"TABLE=t1", "TZ=Europe/Berlin", "AWS_REGION=us-east-1", "AWS_LAMBDA_FUNCTION_NAME=counter",
			"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
			"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/counter", "AWS_LAMBDA_LOG_STREAM_NAME=2000/01/01/[$LATEST]e1",
			"AWS_ACCESS_KEY_ID=A", "LAMBDA_TASK_ROOT=/var/task",
		} {
			if !slices.Contains(env, want) {
				t.Errorf("%s is missing in %q", want, env)
			}
		}
		for _, v := range env {
			if strings.HasPrefix(v, "_SECRET=") || strings.HasPrefix(v, "HOME=") {
				t.Errorf("%s must not be there", v)
			}
		}
	})
}
