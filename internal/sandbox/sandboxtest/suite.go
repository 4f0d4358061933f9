// Package sandboxtest tests drivers, and stands in for one.
//
// [Run] is the one suite that every real driver passes: what package sandbox
// promises, shown with real processes. [Driver] is a fake whose processes are
// functions of the test, for tests that need no kernel.
package sandboxtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/berthdev/berth/internal/sandbox"
)

// Starter is what the suite tests.
type Starter interface {
	Start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error)
}

// Run runs the suite. The test binary must call [Act] in TestMain.
func Run(t *testing.T, newDriver func(t *testing.T) Starter) {
	code := Code(t)
	s := &suite{code: code, newDriver: newDriver}
	for _, tt := range []struct {
		name string
		test func(*testing.T)
	}{
		{"the environment is the spec's and nothing more", s.environment},
		{"the working directory is the code", s.workingDirectory},
		{"an exit status is passed on", s.exitStatus},
		{"a signal is passed on", s.signal},
		{"layers are seen at /opt", s.layers},
		{"stdout and stderr keep their order", s.order},
		{"a mark comes behind what was written", s.mark},
		{"the Runtime API is reached", s.runtimeAPI},
		{"the Runtime API is reached with the host's network", s.runtimeAPIOnHost},
		{"kill ends the whole tree", s.killTree},
		{"the end of the main process ends the whole tree", s.endTree},
		{"terminate asks the main process", s.terminate},
		{"a frozen tree stands still", s.freeze},
		{"a frozen tree can be killed", s.killFrozen},
		{"a command that isn't there is the function's fault", s.noCommand},
		{"a file that is no program is the function's fault", s.noProgram},
		{"the process outlives the context that it was started with", s.outlives},
		{"a context that has ended starts nothing", s.cancelled},
		{"all who wait get the same answer", s.waiters},
		{"kill and release may come late and twice", s.late},
		{"temporary files are nobody else's", s.tmp},
		{"the peak of memory is measured", s.peak},
		{"an ID that is none is refused", s.badID},
		{"nothing is left open", s.leaks},
	} {
		t.Run(tt.name, tt.test)
	}
}

type suite struct {
	code      string
	newDriver func(*testing.T) Starter

	mu sync.Mutex
	n  int // environments so far
}

// Code is a folder whose bootstrap is the running test binary.
func Code(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: its parents may be closed to other users, which a code
	// folder in real life may be as well; the drivers must cope.
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Spec is one for a function that does act, one of [Act]'s, with code made by
// [Code]. The caller sets the ID.
func Spec(act, code string) sandbox.Spec {
	return sandbox.Spec{
		Command:  []string{"/var/task/bootstrap"},
		TaskDir:  code,
		Env:      []string{"LAMBDA_TASK_ROOT=/var/task", actVar + "=" + act, raceVar + "=atexit_sleep_ms=0"},
		MemoryMB: 256,
		TmpMB:    512,
		Network:  sandbox.NetworkNone,
	}
}

func (s *suite) spec(act string) sandbox.Spec {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	spec := Spec(act, s.code)
	spec.ID = fmt.Sprintf("suite-%d-%d", os.Getpid(), s.n)
	return spec
}

func (s *suite) start(t *testing.T, act string) *sandbox.Process {
	t.Helper()
	return s.startWith(t, s.newDriver(t), s.spec(act))
}

func (s *suite) startWith(t *testing.T, d Starter, spec sandbox.Spec) *sandbox.Process {
	t.Helper()
	p, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Release(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// run runs act to its end and returns what it wrote.
func (s *suite) run(t *testing.T, act string) (string, sandbox.Exit) {
	t.Helper()
	return finish(t, s.start(t, act))
}

func finish(t *testing.T, p *sandbox.Process) (string, sandbox.Exit) {
	t.Helper()
	exit := p.Wait()
	if err := p.Release(); err != nil {
		t.Error(err)
	}
	out, err := io.ReadAll(p.Output)
	if err != nil {
		t.Error(err)
	}
	return string(out), exit
}

func (s *suite) environment(t *testing.T) {
	t.Setenv("BERTH_SANDBOXTEST_SECRET", "of the host")
	out, exit := s.run(t, "env")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool {
		// What a driver may have to add where it can't change what is seen.
		return strings.HasPrefix(l, "LAMBDA_TASK_ROOT=") || strings.HasPrefix(l, "TMPDIR=")
	})
	if exit != (sandbox.Exit{}) || len(lines) != 1 || !strings.HasPrefix(lines[0], "AWS_LAMBDA_RUNTIME_API=127.0.0.1:") {
		t.Errorf("exit %v, environment %q", exit, lines)
	}
}

func (s *suite) workingDirectory(t *testing.T) {
	if out, exit := s.run(t, "where"); out != "true true\n" {
		t.Errorf("it is the task root, and holds the code: %s, exit %v", out, exit)
	}
}

func (s *suite) exitStatus(t *testing.T) {
	for _, code := range []int{0, 1, 127, 255} {
		if out, exit := s.run(t, fmt.Sprintf("exit %d", code)); exit != (sandbox.Exit{Code: code}) {
			t.Errorf("exit %d came as %+v (%s)", code, exit, out)
		}
	}
}

// layers runs the program from /opt, with another folder as the code.
func (s *suite) layers(t *testing.T) {
	spec := s.spec("print layered")
	spec.OptDir, spec.TaskDir = spec.TaskDir, t.TempDir()
	spec.Command = []string{"/opt/bootstrap"}
	if err := os.Chmod(spec.TaskDir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := s.startWith(t, s.newDriver(t), spec)
	if exit := p.Wait(); exit != (sandbox.Exit{}) {
		t.Errorf("the program in the layer ended with %v", exit)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(p.Output); err != nil || string(out) != "layered" {
		t.Errorf("it wrote %q, %v", out, err)
	}
}

func (s *suite) signal(t *testing.T) {
	if out, exit := s.run(t, "die"); exit != (sandbox.Exit{Signal: syscall.SIGKILL}) {
		t.Errorf("a SIGKILL to itself came as %+v (%s)", exit, out)
	}
}

func (s *suite) order(t *testing.T) {
	out, _ := s.run(t, "both")
	var want strings.Builder
	for i := range 100 {
		fmt.Fprintln(&want, i)
	}
	if out != want.String() {
		t.Errorf("got %q", out)
	}
}

func (s *suite) mark(t *testing.T) {
	p := s.start(t, "print before ")
	p.Wait()
	if err := p.Mark([]byte("MARK")); err != nil {
		t.Fatal(err)
	}
	if out, _ := finish(t, p); out != "before MARK" {
		t.Errorf("got %q", out)
	}
}

func (s *suite) runtimeAPI(t *testing.T) { answer(t, s.start(t, "call hello")) }

func (s *suite) runtimeAPIOnHost(t *testing.T) {
	spec := s.spec("call hello")
	spec.Network = sandbox.NetworkHost
	answer(t, s.startWith(t, s.newDriver(t), spec))
}

// answer is the other end of a call.
func answer(t *testing.T, p *sandbox.Process) {
	t.Helper()
	conn, err := p.RuntimeAPI.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || line != "hello\n" {
		t.Fatalf("it sent %q, %v", line, err)
	}
	if _, err := fmt.Fprintln(conn, "welcome"); err != nil {
		t.Fatal(err)
	}
	if out, exit := finish(t, p); out != "welcome\n" {
		t.Errorf("it got %q, exit %v", out, exit)
	}
}

// family accepts the connections of three generations.
func (s *suite) family(t *testing.T) (*sandbox.Process, []io.ReadCloser) {
	t.Helper()
	p := s.start(t, "family 3")
	var conns []io.ReadCloser
	for range 3 {
		conn, err := p.RuntimeAPI.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		conns = append(conns, conn)
	}
	return p, conns
}

// allGone waits until each connection has ended, as it does with its process.
func allGone(t *testing.T, conns []io.ReadCloser) {
	t.Helper()
	for i, c := range conns {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("connection %d: %d bytes, %v", i, n, err)
		}
	}
}

func (s *suite) killTree(t *testing.T) {
	p, conns := s.family(t)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if exit := p.Wait(); exit.Signal != syscall.SIGKILL || exit.OutOfMemory {
		t.Errorf("exit %+v", exit)
	}
	allGone(t, conns)
}

// endTree kills the main process only.
func (s *suite) endTree(t *testing.T) {
	p, conns := s.family(t)
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if exit := p.Wait(); exit != (sandbox.Exit{Signal: syscall.SIGTERM}) && exit != (sandbox.Exit{Code: 2}) {
		t.Errorf("exit %+v", exit)
	}
	allGone(t, conns)
}

func (s *suite) terminate(t *testing.T) {
	p := s.start(t, "term")
	out := bufio.NewReader(p.Output)
	if line, err := out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("it wrote %q, %v", line, err)
	}
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if exit := p.Wait(); exit != (sandbox.Exit{}) {
		t.Errorf("exit %+v", exit)
	}
	if line, err := out.ReadString('\n'); err != nil || line != "got terminated\n" {
		t.Errorf("it wrote %q, %v", line, err)
	}
}

// ticking starts a function that never pauses, and reads what it sends.
func (s *suite) ticking(t *testing.T) (*sandbox.Process, sandbox.Freezer, net.Conn) {
	t.Helper()
	p := s.start(t, "tick")
	f, ok := p.Handle.(sandbox.Freezer)
	if !ok {
		t.Skip("this driver does not freeze")
	}
	conn, err := p.RuntimeAPI.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return p, f, conn
}

// ticks reads until nothing has come for so long, or until the limit.
func ticks(t *testing.T, conn net.Conn, quiet, limit time.Duration) (stopped bool) {
	t.Helper()
	b := make([]byte, 1<<16)
	for begin := time.Now(); time.Since(begin) < limit; {
		if err := conn.SetReadDeadline(time.Now().Add(quiet)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(b); errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return false
}

func (s *suite) freeze(t *testing.T) {
	_, f, conn := s.ticking(t)
	for range 2 {
		if err := f.Freeze(); err != nil {
			t.Fatal(err)
		}
		if !ticks(t, conn, 50*time.Millisecond, 10*time.Second) {
			t.Fatal("it went on for ten seconds")
		}
		if err := f.Freeze(); err != nil {
			t.Errorf("frozen twice: %v", err)
		}
		if err := f.Thaw(); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatalf("thawed: %v", err)
		}
	}
}

func (s *suite) killFrozen(t *testing.T) {
	p, f, _ := s.ticking(t)
	if err := f.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if exit := p.Wait(); exit.Signal != syscall.SIGKILL {
		t.Errorf("exit %+v", exit)
	}
	if err := f.Freeze(); err != nil {
		t.Errorf("frozen when dead: %v", err)
	}
}

func (s *suite) noCommand(t *testing.T) {
	spec := s.spec("exit 0")
	spec.Command = []string{"/var/task/not-there"}
	_, err := s.newDriver(t).Start(t.Context(), spec)
	if e, ok := errors.AsType[*sandbox.StartError](err); !ok || e.Command != "/var/task/not-there" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func (s *suite) noProgram(t *testing.T) {
	spec := s.spec("exit 0")
	spec.TaskDir = t.TempDir()
	if err := os.Chmod(spec.TaskDir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		mode os.FileMode
		want error
	}{{0o644, syscall.EACCES}, {0o755, syscall.ENOEXEC}} {
		path := filepath.Join(spec.TaskDir, "bootstrap")
		if err := os.WriteFile(path, []byte("\x00no program"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		_, err := s.newDriver(t).Start(t.Context(), spec)
		if _, ok := errors.AsType[*sandbox.StartError](err); !ok || !errors.Is(err, tt.want) {
			t.Errorf("mode %o: got %v, want %v", tt.mode, err, tt.want)
		}
	}
}

func (s *suite) outlives(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := s.newDriver(t).Start(ctx, s.spec("call hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	cancel()
	conn, err := p.RuntimeAPI.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, "still here"); err != nil {
		t.Fatal(err)
	}
	if out, exit := finish(t, p); out != "still here\n" {
		t.Errorf("it got %q, exit %v", out, exit)
	}
}

func (s *suite) cancelled(t *testing.T) {
	cause := errors.New("the caller has left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	p, err := s.newDriver(t).Start(ctx, s.spec("exit 0"))
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if p != nil {
		t.Error("a process was started", p.Release())
	}
}

func (s *suite) waiters(t *testing.T) {
	p := s.start(t, "exit 7")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if exit := p.Wait(); exit.Code != 7 {
				t.Errorf("exit %+v", exit)
			}
		})
	}
	wg.Wait()
}

func (s *suite) late(t *testing.T) {
	p := s.start(t, "exit 0")
	p.Wait()
	for range 2 {
		for name, f := range map[string]func() error{"kill": p.Kill, "terminate": p.Terminate, "release": p.Release} {
			if err := f(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func (s *suite) tmp(t *testing.T) {
	d := s.newDriver(t)
	if out, exit := finish(t, s.startWith(t, d, s.spec("note berth-sandboxtest"))); exit != (sandbox.Exit{}) {
		t.Fatalf("exit %v: %s", exit, out)
	}
	a := s.startWith(t, d, s.spec("note berth-sandboxtest"))
	a.Wait()
	if out, _ := finish(t, s.startWith(t, d, s.spec("find berth-sandboxtest"))); out != "false\n" {
		t.Errorf("another environment's file is there: %q", out)
	}
}

func (s *suite) peak(t *testing.T) {
	p := s.start(t, "eat 64")
	conn, err := p.RuntimeAPI.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	n, ok := p.PeakMemory()
	if !ok {
		t.Skip("this machine doesn't measure it")
	}
	if n < 64<<20 || n > 192<<20 {
		t.Errorf("64 MB were eaten and %d bytes measured", n)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	if after, ok := p.PeakMemory(); !ok || after < n {
		t.Errorf("after the end: %d, %t", after, ok)
	}
}

func (s *suite) badID(t *testing.T) {
	for _, id := range []string{"", "../up", "a/b", "A", "a b"} {
		spec := s.spec("exit 0")
		spec.ID = id
		if p, err := s.newDriver(t).Start(t.Context(), spec); err == nil {
			t.Errorf("ID %q was taken; release: %v", id, p.Release())
		}
	}
}

// leaks looks for descriptors and processes that starts, good and bad ones, have
// left behind.
func (s *suite) leaks(t *testing.T) {
	d := s.newDriver(t)
	round := func() {
		if _, exit := finish(t, s.startWith(t, d, s.spec("exit 0"))); exit != (sandbox.Exit{}) {
			t.Errorf("exit %v", exit)
		}
		spec := s.spec("exit 0")
		spec.Command = []string{"/var/task/not-there"}
		if _, err := d.Start(t.Context(), spec); err == nil {
			t.Error("a command that isn't there was started")
		}
	}
	round() // whatever is opened once
	before, ok := descriptors()
	if !ok {
		t.Skip("this system doesn't list a process's descriptors")
	}
	for range 3 {
		round()
	}
	if after, _ := descriptors(); len(after) > len(before) {
		t.Errorf("descriptors before %q, after %q", before, after)
	}
}

func descriptors() (names []string, ok bool) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, false
	}
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil {
			continue // the listing's own
		}
		names = append(names, e.Name()+" "+to)
	}
	return names, true
}
