//go:build unix

package lambda

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/berthdev/berth/lambda/internal/host"
	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// functions are what the test binary is when it is started as a function.
var functions = map[string]func(){
	"echo": func() { Start(Bytes(echo)) },
	"echo with a poller": func() {
		at := host.Process()
		at.Dial = func(address string, _ bool) (io.ReadWriteCloser, error) { return runtimeapi.Dial(address, true) }
		Start(Bytes(echo), WithHost(at))
	},
	"fail": func() {
		Start(Func(func(ctx context.Context, how string) (any, error) {
			slog.InfoContext(ctx, "serving", "how", how)
			if how == "panic" {
				panic("broken")
			}
			return nil, errors.New(how)
		}), RequireTenant())
	},
	"init": func() { Start(Bytes(echo), OnInit(func(context.Context) error { return errors.New("down") })) },
	"shutdown": func() {
		Start(Bytes(echo), OnShutdown(func(context.Context) error { slog.Info("closing"); return nil }))
	},
	"own logger": func() {
		slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, nil)))
		Start(Func(func(ctx context.Context, _ any) (any, error) { slog.InfoContext(ctx, "serving"); return nil, nil }))
	},
	"trace": func() {
		Start(Bytes(func(context.Context, []byte) ([]byte, error) { return []byte(os.Getenv("_X_AMZN_TRACE_ID")), nil }))
	},
}

func TestMain(m *testing.M) {
	if f, ok := functions[os.Getenv("LAMBDA_TEST_FUNCTION")]; ok {
		f()
	}
	os.Exit(m.Run())
}

// process is a function in a process of its own.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr bytes.Buffer
}

func startProcess(t testing.TB, p *platform, function string, env ...string) *process {
	t.Helper()
	f := &process{t: t, cmd: exec.Command(os.Args[0])}
	f.cmd.Env = append(env, "LAMBDA_TEST_FUNCTION="+function)
	if p != nil {
		f.cmd.Env = append(f.cmd.Env, "AWS_LAMBDA_RUNTIME_API="+p.listener.Addr().String())
	}
	f.cmd.Stdout, f.cmd.Stderr = &f.stdout, &f.stderr
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if f.cmd.ProcessState == nil {
			f.cmd.Process.Kill()
			f.cmd.Wait()
		}
	})
	return f
}

// exits waits for the process and checks its exit status.
func (f *process) exits(status int) {
	f.t.Helper()
	f.cmd.Wait()
	if got := f.cmd.ProcessState.ExitCode(); got != status {
		f.t.Errorf("%v, want exit status %d; stderr: %s", f.cmd.ProcessState, status, f.stderr.String())
	}
}

func TestStartOutsideLambdaSaysHowToRunIt(t *testing.T) {
	f := startProcess(t, nil, "echo")
	f.exits(1)
	if got := f.stderr.String(); !strings.Contains(got, "berth up") || strings.Count(got, "\n") != 1 {
		t.Errorf("stderr: %s", got)
	}
}

func TestStartExitsTwoAfterAPanic(t *testing.T) {
	p := newPlatform(t)
	f := startProcess(t, p, "fail", "AWS_LAMBDA_LOG_FORMAT=JSON")
	c := p.accept()
	c.invoke("1", `"sold out"`, alice)
	c.failure("1")
	c.invoke("2", `"panic"`, alice)
	c.failure("2")
	f.exits(2)
	for _, want := range []string{
		`"level":"INFO","message":"serving","how":"sold out","requestId":"1","tenantId":"alice"}`,
		`"level":"ERROR","message":"invocation failed","errorType":"errorString","errorMessage":"sold out","requestId":"1","tenantId":"alice"}`,
		`"level":"ERROR","message":"invocation failed","errorType":"Panic","errorMessage":"broken","stackTrace":["`,
	} {
		if !strings.Contains(f.stderr.String(), want) {
			t.Errorf("stderr has no %s: %s", want, f.stderr.String())
		}
	}
	if got := strings.Count(f.stderr.String(), "\n"); got != 4 {
		t.Errorf("%d lines, want 4, each an object: %s", got, f.stderr.String())
	}
}

func TestStartExitsOneAtASecondTenant(t *testing.T) {
	p := newPlatform(t)
	f := startProcess(t, p, "fail")
	c := p.accept()
	c.invoke("1", `"sold out"`, alice)
	c.failure("1")
	c.invoke("2", `"sold out"`, bob)
	c.failure("2")
	f.exits(1)
}

func TestStartExitsOneWhenInitFails(t *testing.T) {
	p := newPlatform(t)
	f := startProcess(t, p, "init")
	c := p.accept()
	c.expect("POST /2018-06-01/runtime/init/error")
	c.say(accepted)
	f.exits(1)
	if !strings.Contains(f.stderr.String(), `msg="runtime stops" error="init: down"`) {
		t.Errorf("stderr: %s", f.stderr.String())
	}
}

func TestStartExitsOneWhenTheRuntimeAPIIsBroken(t *testing.T) {
	p := newPlatform(t)
	f := startProcess(t, p, "echo")
	c := p.accept()
	c.expect("GET /2018-06-01/runtime/invocation/next")
	c.say(refusal(500, "InternalServerError"))
	f.exits(1)
	if !strings.Contains(f.stderr.String(), "next: status 500: InternalServerError: no") {
		t.Errorf("stderr: %s", f.stderr.String())
	}
}

// SIGTERM only comes where there is an extension, and init only ends when the
// extension is ready, too.
func TestStartClosesAtSIGTERM(t *testing.T) {
	p := newPlatform(t)
	f := startProcess(t, p, "shutdown")
	extension := p.accept()
	if r := extension.expect("POST /2020-01-01/extension/register"); r.body != `{"events":[]}` || r.header.Get("Lambda-Extension-Name") == "" {
		t.Errorf("registered %s, %s", r.header, r.body)
	}
	extension.say("HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: id-1\r\nContent-Length: 2\r\n\r\n{}")
	runtime := p.accept()
	ready := extension
	first := ready.head()
	if first.URL.Path != "/2020-01-01/extension/event/next" || first.Header.Get("Lambda-Extension-Identifier") != "id-1" {
		t.Errorf("the extension asked for %s, %s", first.URL.Path, first.Header)
	}
	runtime.invoke("1", `{}`)
	runtime.answer("1")
	runtime.expect("GET /2018-06-01/runtime/invocation/next")
	f.cmd.Process.Signal(syscall.SIGTERM)
	f.exits(0)
	if !strings.Contains(f.stderr.String(), "msg=closing") {
		t.Errorf("stderr: %s", f.stderr.String())
	}
}

func TestStartServesWhereThereAreNoExtensions(t *testing.T) {
	p := newPlatform(t)
	f := startProcess(t, p, "shutdown")
	extension := p.accept()
	extension.expect("POST /2020-01-01/extension/register")
	extension.say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	c := p.accept()
	c.invoke("1", `{}`)
	c.answer("1")
	c.expect("GET /2018-06-01/runtime/invocation/next")
	f.cmd.Process.Signal(syscall.SIGTERM)
	f.exits(0)
	if got := f.stderr.String(); !strings.Contains(got, `msg="no notice of shutdown" error="extension/register: status 404"`) || !strings.Contains(got, "msg=closing") {
		t.Errorf("stderr: %s", got)
	}
}

func TestStartKeepsALoggerThatWasThereBefore(t *testing.T) {
	p := newPlatform(t)
	f := startProcess(t, p, "own logger")
	c := p.accept()
	c.invoke("1", `{}`)
	c.answer("1")
	f.cmd.Process.Kill()
	f.cmd.Wait()
	if !strings.HasSuffix(f.stdout.String(), "level=INFO msg=serving\n") || f.stderr.Len() > 0 {
		t.Errorf("stdout: %s; stderr: %s", f.stdout.String(), f.stderr.String())
	}
}

func TestStartSetsTheTraceID(t *testing.T) {
	p := newPlatform(t)
	startProcess(t, p, "trace")
	c := p.accept()
	for _, trace := range []string{"Root=1-1;Sampled=1", "Root=1-2;Sampled=0"} {
		c.invoke("1", `{}`, "Lambda-Runtime-Trace-Id: "+trace)
		if got := c.answer("1"); got.body != trace {
			t.Errorf("the handler saw %q, want %q", got.body, trace)
		}
	}
}

// BenchmarkTransport compares the two kinds of socket that runtimeapi.Dial makes,
// in a process of their own: without a pause between two invocations, and with
// one in which everything falls asleep.
func BenchmarkTransport(b *testing.B) {
	for _, pause := range []time.Duration{0, time.Millisecond} {
		for _, function := range []string{"echo", "echo with a poller"} {
			b.Run(function+" pause "+pause.String(), func(b *testing.B) {
				l, err := net.Listen("tcp4", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				f := startProcess(b, &platform{listener: l}, function)
				d := newDriver(b, l, rawEvent)
				n := 0
				for b.Loop() {
					d.read(b, d.next)
					if pause > 0 {
						b.StopTimer()
						time.Sleep(pause)
						b.StartTimer()
					}
					d.write(b, d.event)
					d.read(b, d.answer)
					d.write(b, d.accepted)
					n++
				}
				f.cmd.Process.Kill()
				f.cmd.Wait()
				cpu := f.cmd.ProcessState.SystemTime() + f.cmd.ProcessState.UserTime()
				b.ReportMetric(float64(cpu.Nanoseconds())/float64(n), "cpu-ns/op")
			})
		}
	}
}
