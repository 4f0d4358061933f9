package isolation_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/isolation"
	"github.com/berthdev/berth/internal/sandbox/namespace"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	namespace.Stage()
	sandboxtest.Act()
	crash()
	os.Exit(m.Run())
}

func open(t *testing.T, cfg isolation.Config) *isolation.Isolation {
	t.Helper()
	i, err := isolation.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestTheStrongestIsTaken(t *testing.T) {
	base := t.TempDir()
	i := open(t, isolation.Config{TempDir: base})
	if i.Name != isolation.Namespace && len(i.Missed) == 0 {
		t.Errorf("%s was taken, and nobody says why not the stronger one", i.Name)
	}
	if i.Promise == "" || len(i.NotWalled) == 0 {
		t.Errorf("it promises %q and does not stop %q", i.Promise, i.NotWalled)
	}
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAnUnknownNameIsRefused(t *testing.T) {
	_, err := isolation.Open(t.Context(), isolation.Config{Weakest: "docker", TempDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "namespace, landlock, process") {
		t.Errorf("got %v", err)
	}
}

// withoutNamespaces runs this test binary where the kernel makes no user
// namespaces: in one whose own limit is zero.
func withoutNamespaces(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const script = `echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" "$@"`
	args = append([]string{"--user", "--map-root-user", "/bin/sh", "-c", script, exe}, args...)
	return exec.CommandContext(t.Context(), "unshare", args...)
}

func TestWhatCannotBeHadIsRefused(t *testing.T) {
	cmd := withoutNamespaces(t, "-test.run", "^TestRefusedInside$", "-test.v")
	cmd.Env = append(os.Environ(), insideVar+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "FAIL") {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Skipf("no machine without user namespaces can be had here: %v: %s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestRefusedInside") {
		t.Errorf("%s", out)
	}
}

const insideVar = "BERTH_ISOLATION_INSIDE"

func TestRefusedInside(t *testing.T) {
	if os.Getenv(insideVar) == "" {
		t.Skip("is run by TestWhatCannotBeHadIsRefused")
	}
	base := t.TempDir()
	i, err := isolation.Open(t.Context(), isolation.Config{Weakest: isolation.Namespace, TempDir: base})
	missing, ok := errors.AsType[*sandbox.UnavailableError](err)
	if i != nil || !ok || missing.Isolation != "namespace" || !strings.Contains(missing.Hint(), "max_user_namespaces") {
		t.Fatalf("got %v, %v", i, err)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	weaker := open(t, isolation.Config{TempDir: base})
	if weaker.Name == isolation.Namespace || len(weaker.Missed) == 0 || weaker.Missed[0].Isolation != "namespace" {
		t.Errorf("%s was taken, having missed %v", weaker.Name, weaker.Missed)
	}
	if err := weaker.Close(); err != nil {
		t.Error(err)
	}
}
