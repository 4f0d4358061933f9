package namespace

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
)

// limited is a driver on a machine that gives the controller.
func limited(t *testing.T, controller string) sandboxtest.Starter {
	t.Helper()
	tree, err := cgroup.Open(fmt.Sprintf("berth-test-limits-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	if !tree.Can(controller) {
		t.Skip(tree.Problems)
	}
	return New(Config{Cgroups: tree})
}

// shell runs a script as a function, and returns what it wrote.
func shell(t *testing.T, d sandboxtest.Starter, script string, change func(*sandbox.Spec)) (string, sandbox.Exit, *sandbox.Process) {
	t.Helper()
	spec := sandbox.Spec{
		ID: fmt.Sprintf("shell-%d", os.Getpid()), Command: []string{"/bin/sh", "-c", script}, TaskDir: codeFolder(t),
		Env: []string{"PATH=/usr/bin:/bin"}, MemoryMB: 128, TmpMB: 16, Network: sandbox.NetworkNone,
	}
	if change != nil {
		change(&spec)
	}
	p, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	exit := p.Wait()
	if err := p.Release(); err != nil {
		t.Error(err)
	}
	out, err := io.ReadAll(p.Output)
	if err != nil {
		t.Error(err)
	}
	return string(out), exit, p
}

func codeFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAMemoryBombIsKilledAndItIsKnownWhy(t *testing.T) {
	d := limited(t, "memory")
	out, exit, p := shell(t, d, `x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done`, func(s *sandbox.Spec) { s.MemoryMB = 32 })
	if exit != (sandbox.Exit{Signal: unix.SIGKILL, OutOfMemory: true}) {
		t.Errorf("exit %+v: %s", exit, out)
	}
	if n, ok := p.PeakMemory(); !ok || n < 16<<20 || n > 32<<20 {
		t.Errorf("peak %d, %t", n, ok)
	}
}

func TestAKillIsNotTakenForWantOfMemory(t *testing.T) {
	if out, exit, _ := shell(t, limited(t, "memory"), `kill -KILL $$`, nil); exit != (sandbox.Exit{Signal: unix.SIGKILL}) {
		t.Errorf("exit %+v: %s", exit, out)
	}
}

// The stage is not counted: it is Berth's, not the function's.
func TestASmallFunctionUsesLittleMemory(t *testing.T) {
	_, exit, p := shell(t, limited(t, "memory"), `:`, nil)
	n, ok := p.PeakMemory()
	if exit != (sandbox.Exit{}) || !ok || n > 1<<20 {
		t.Errorf("a shell that does nothing used %d bytes, %t, exit %v", n, ok, exit)
	}
}

func TestAForkBombStopsAtTheLimit(t *testing.T) {
	const script = `n=0; while [ $n -lt 200 ]; do sleep 1000 & n=$((n+1)); done; echo "all $n"`
	for name, newDriver := range map[string]func(*testing.T) sandboxtest.Starter{
		"by cgroup":    func(t *testing.T) sandboxtest.Starter { return limited(t, "pids") },
		"by setrlimit": func(t *testing.T) sandboxtest.Starter { return New(Config{}) },
	} {
		t.Run(name, func(t *testing.T) {
			out, exit, _ := shell(t, newDriver(t), script, func(s *sandbox.Spec) { s.MaxProcesses = 20 })
			if exit.Code == 0 || strings.Contains(out, "all") {
				t.Errorf("exit %v: %s", exit, out)
			}
		})
	}
}

func TestTmpHasItsSize(t *testing.T) {
	out, exit, _ := shell(t, newDriver(t), `dd if=/dev/zero of=/tmp/x bs=1024 count=20000 2>&1; wc -c </tmp/x`, nil)
	if !strings.Contains(out, "No space left on device") || !strings.HasSuffix(out, "\n16777216\n") {
		t.Errorf("exit %v: %s", exit, out)
	}
}

func TestDescriptorsAreThoseOfLambda(t *testing.T) {
	if out, exit, _ := shell(t, newDriver(t), `ulimit -Sn; ulimit -Hn; ulimit -c`, nil); out != "1024\n1024\n0\n" {
		t.Errorf("exit %v: %q", exit, out)
	}
}

func TestWhatIsSeenInside(t *testing.T) {
	out, exit, _ := shell(t, newDriver(t), strings.Join([]string{
		`echo /*`, `echo /dev/*`, `echo /etc/passwd /opt/* /var/* /var/runtime/*`, `id -un; id -u; hostname; pwd`,
		`ls -ld /tmp | cut -c1-10`, `cat /proc/1/status 2>/dev/null; wc -c </proc/kallsyms; ls /proc/irq | wc -l`,
		`cat /proc/self/cgroup | cut -d: -f3 | sort -u`, `wc -l </proc/net/dev`,
	}, "\n"), nil)
	if exit != (sandbox.Exit{}) {
		t.Fatalf("exit %v: %s", exit, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, name := range strings.Fields(lines[0]) {
		switch name {
		case "/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/opt", "/proc", "/sbin", "/tmp", "/usr", "/var":
		default:
			t.Errorf("%s is seen", name)
		}
	}
	want := []string{
		"/dev/fd /dev/full /dev/null /dev/random /dev/stderr /dev/stdin /dev/stdout /dev/urandom /dev/zero",
		"/etc/passwd /opt/* /var/empty /var/runtime /var/task /var/runtime/*",
		"sbx_user1051", "1051", "berth", "/var/task", "drwxrwxrwt", "0", "0", "/", "3",
	}
	if got := lines[1:]; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestManyStartAtOnce(t *testing.T) {
	d, code := newDriver(t), sandboxtest.Code(t)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for round := range 4 {
				spec := sandboxtest.Spec("print hello", code)
				spec.ID = fmt.Sprintf("many-%d-%d-%d", os.Getpid(), worker, round)
				p, err := d.Start(t.Context(), spec)
				if err != nil {
					t.Error(err)
					return
				}
				exit := p.Wait()
				if err := p.Release(); err != nil {
					t.Error(err)
				}
				if out, err := io.ReadAll(p.Output); exit != (sandbox.Exit{}) || string(out) != "hello" || err != nil {
					t.Errorf("exit %v, %q, %v", exit, out, err)
				}
			}
		})
	}
	wg.Wait()
}
