// Package isolation holds the probes: what tenant B may try against tenant A, and
// against the machine.
//
// Each probe must fail when all walls stand, and is then shown to succeed with the
// walls taken down that are meant to hold it: a probe that could not succeed would
// prove nothing. Where two walls hold it, each of them is shown to hold it alone.
// As root everything runs a second time as an ordinary user.
package isolation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/landlock/ruleset"
	"github.com/berthdev/berth/internal/sandbox/namespace"
	"github.com/berthdev/berth/internal/sandbox/namespace/walls"
	"github.com/berthdev/berth/internal/sandbox/probe"
)

const secret = "the-secret-of-tenant-a"

func TestMain(m *testing.M) {
	namespace.Stage()
	beTenant()
	os.Exit(m.Run())
}

// whole is for what holds on more than the walls that can be taken down.
const whole = walls.Set(0)

// probes name the walls that hold each attack: where Berth is root, and where it
// is not. Walls joined by | hold it together: it takes all of them down.
var probes = []struct {
	name   string
	attack string
	root   walls.Set
	user   walls.Set // whole also where it would take the user namespace down, without which a user has none
}{
	{"A's files in /tmp", "tmp", walls.Tmp, walls.Tmp},
	{"A's files in /dev/shm", "dev-shm", walls.Dev | walls.Landlock, walls.Dev | walls.Landlock},
	{"A in the list of processes", "proc", walls.PID, walls.PID},
	{"A's environment variables", "environ", walls.PID | walls.User | walls.Landlock, whole},
	{"A's memory, by /proc", "mem", walls.PID | walls.User | walls.Landlock, whole},
	{"A's memory, by process_vm_readv", "vm-readv", walls.PID | walls.User | walls.Seccomp | walls.Landlock, whole},
	{"A as a debugger sees it", "ptrace", walls.PID | walls.User | walls.Seccomp | walls.Landlock, whole},
	{"a signal to A", "signal", walls.PID | walls.User | walls.Landlock, walls.PID | walls.Landlock},
	{"A's Runtime API", "runtime-api", walls.Net, walls.Net},
	{"A's abstract socket", "abstract", walls.Net | walls.Landlock, walls.Net | walls.Landlock},
	{"A's System V shared memory", "sysv-shm", walls.IPC, walls.IPC},
	{"the home of Berth's user", "home", walls.Root | walls.User, whole},
	{"the host's /etc/shadow", "shadow", walls.Root | walls.User, whole},
	{"a write to /var/task", "task", walls.Task | walls.Landlock, walls.Task | walls.Landlock},
	{"a user namespace, to be root in", "user-ns", walls.Seccomp, walls.Seccomp},
	{"a key in the kernel's keyring", "keyring", walls.Seccomp, walls.Seccomp},
	{"an io_uring", "io-uring", walls.Seccomp, walls.Seccomp},
	{"a socket to the hypervisor", "packet", walls.Seccomp, walls.Seccomp},

	{"a write to the root", "root", whole, whole},
	{"a write to /usr", "usr", whole, whole},
	{"a mount", "mount", whole, whole},
	{"the stage", "first", whole, whole},
	{"the kernel's emergency keys", "sysrq", whole, whole},
	{"the kernel's addresses", "kallsyms", whole, whole},
	{"the machine's clock", "clock", whole, whole},
	{"a way out of the root", "beyond", whole, whole},
}

func TestProbes(t *testing.T) {
	requireNamespaces(t)
	code := codeFolder(t)
	for _, p := range probes {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			hold(t, code, p.attack, whole)
			down := p.user
			if os.Geteuid() == 0 {
				down = p.root
			}
			if v, err := ruleset.Version(); err != nil || v < ruleset.MinVersion {
				down &^= walls.Landlock // which isn't there
			}
			if down == whole {
				return
			}
			if down.Has(walls.PID|walls.User) && yama() {
				t.Skip("Yama keeps debuggers out of everything here; the walls can't be shown")
			}
			for _, one := range each(down) {
				if one != down {
					hold(t, code, p.attack, down&^one) // the one that is left
				}
			}
			if v := attack(t, code, p.attack, down); !v.Done {
				t.Errorf("with its walls down it still fails, so that it proves nothing: %s", v.How)
			}
		})
	}
}

// hold fails when the attack succeeds.
func hold(t *testing.T, code, name string, down walls.Set) {
	t.Helper()
	if v := attack(t, code, name, down); v.Done {
		t.Errorf("with walls %b down it reached %s", down, v.How)
	}
}

func each(set walls.Set) []walls.Set {
	var all []walls.Set
	for w := walls.User; w <= walls.Landlock; w <<= 1 {
		if set.Has(w) {
			all = append(all, w)
		}
	}
	return all
}

// yama says whether a user may debug only their own children here.
func yama() bool {
	b, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	return err == nil && strings.TrimSpace(string(b)) != "0"
}

func requireNamespaces(t *testing.T) {
	t.Helper()
	if err := namespace.New(namespace.Config{}).Check(t.Context(), t.TempDir()); err != nil {
		t.Skip(err)
	}
}

// attack runs one probe with the given walls down, as tenant B against tenant A.
func attack(t *testing.T, code, name string, down walls.Set) probe.Verdict {
	t.Helper()
	return attackOn(t, namespace.New(namespace.Config{Down: down}), code, name, fmt.Sprintf("%b", down))
}

// starter is a driver.
type starter interface {
	Start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error)
}

// attackOn does so on any driver; unlike names what else runs at the same time.
func attackOn(t *testing.T, d starter, code, name, unlike string) probe.Verdict {
	t.Helper()
	// Where walls are down, the names of probes that run at the same time meet.
	victim := fmt.Sprintf("berth-probe-%d-%s-%s", os.Getpid(), name, unlike)
	a := start(t, d, code, "a", "victim "+victim)
	first, err := a.RuntimeAPI.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	var known probe.Target
	if err := json.NewDecoder(first).Decode(&known); err != nil {
		t.Fatalf("tenant A did not settle: %v: %s", err, output(t, a))
	}
	known.HostPID = a.PID
	if known.Home, err = os.UserHomeDir(); err != nil {
		known.Home = "/root"
	}
	var answering sync.WaitGroup
	answering.Go(func() { // until the listener is closed
		_ = http.Serve(a.RuntimeAPI, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pong") }))
	})
	defer answering.Wait()
	defer a.RuntimeAPI.Close()

	b := start(t, d, code, "b", name)
	conn, err := b.RuntimeAPI.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var own sync.WaitGroup
	own.Go(func() { // B's own Runtime API says nothing
		for {
			conn, err := b.RuntimeAPI.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	})
	defer own.Wait()
	defer b.RuntimeAPI.Close()
	if err := json.NewEncoder(conn).Encode(known); err != nil {
		t.Fatal(err)
	}
	var v probe.Verdict
	if err := json.NewDecoder(conn).Decode(&v); err != nil {
		t.Fatalf("tenant B did not report: %v: %s", err, output(t, b))
	}
	return v
}

func start(t *testing.T, d starter, code, id, role string) *sandbox.Process {
	t.Helper()
	env := []string{roleVar + "=" + role, "GORACE=atexit_sleep_ms=0"}
	if id == "a" {
		env = append(env, secretVar+"="+secret)
	}
	p, err := d.Start(t.Context(), sandbox.Spec{
		ID: fmt.Sprintf("probe-%d-%s", os.Getpid(), id), Command: []string{"/var/task/bootstrap"}, TaskDir: code,
		Env: env, MemoryMB: 256, TmpMB: 64, Network: sandbox.NetworkNone,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Release(); err != nil {
			t.Error(err)
		}
		if out := output(t, p); out != "" {
			t.Logf("%s wrote: %s", role, out)
		}
	})
	return p
}

// output is all that a process has written; it is ended by that.
func output(t *testing.T, p *sandbox.Process) string {
	t.Helper()
	if err := p.Release(); err != nil {
		t.Error(err)
	}
	b, err := io.ReadAll(p.Output)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// codeFolder holds this test binary as a bootstrap, and is open to everybody, so
// that only the wall keeps a function from writing to it.
func codeFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := copyFile(filepath.Join(dir, "bootstrap"), exe); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		return err
	}
	return os.Chmod(to, 0o755)
}

func TestProbesAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("everything here ran as an ordinary user already")
	}
	const uid = 61_051 // nobody's
	dir, err := os.MkdirTemp("", "berth-probe-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "isolation.test")
	if err := copyFile(mine, exe); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), mine, "-test.v", "-test.run", "^(TestProbes|TestNoRights|TestLandlockProbes)$")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestProbes ") {
		t.Skipf("%s", out)
	}
}
