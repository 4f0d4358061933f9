package prove

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/isolation"
	"github.com/berthdev/berth/internal/sandbox/namespace"
	"github.com/berthdev/berth/internal/sandbox/process"
)

func TestMain(m *testing.M) {
	namespace.Stage()
	Inside()
	counter()
	os.Exit(m.Run())
}

// config has this test binary as the function.
func config(t *testing.T, i *isolation.Isolation) Config {
	t.Helper()
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return Config{
		Function: function.Version{
			Name: "counter", Number: function.Latest, CodeDir: dir, MemoryMB: 256, EphemeralStorageMB: 512, Timeout: 5 * time.Second,
			Environment: map[string]string{counterVar: "1"},
		},
		Isolation: i, Network: sandbox.NetworkNone, Region: "us-east-1", Account: "123456789012",
	}
}

func namespaces(t *testing.T) *isolation.Isolation {
	t.Helper()
	i, err := isolation.Open(t.Context(), isolation.Config{Weakest: isolation.Namespace, TempDir: t.TempDir()})
	if _, lacking := errors.AsType[*sandbox.UnavailableError](err); lacking {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

func walls(t *testing.T, cfg Config) []Wall {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all, err := Walls(t.Context(), cfg, exe)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(attacks) {
		t.Errorf("%d walls were tried of %d", len(all), len(attacks))
	}
	return all
}

func TestEveryWallHoldsUnderNamespace(t *testing.T) {
	for _, w := range walls(t, config(t, namespaces(t))) {
		if !w.Holds {
			t.Errorf("%s is open: %s", w.Name, w.How)
		}
	}
}

// Under a driver without walls the same attacks reach the other tenant: so what
// they say under the others means something.
func TestWallsAreOpenUnderProcess(t *testing.T) {
	i := &isolation.Isolation{Name: isolation.Process, Driver: process.New(process.Config{Dir: t.TempDir()})}
	var open []string
	for _, w := range walls(t, config(t, i)) {
		if !w.Holds {
			open = append(open, w.Name)
		}
	}
	for _, want := range []string{
		"another tenant in the list of processes", "another tenant's environment variables", "a signal to another tenant",
		"another tenant's Runtime API", "another tenant's abstract socket", "another tenant's shared memory",
		"a change of the function's code",
	} {
		if !slices.Contains(open, want) {
			t.Errorf("%s is not open; these are: %q", want, open)
		}
	}
}

func TestReplayShowsWhatTenantsShare(t *testing.T) {
	requests := []Request{{"alice", "first", []byte(`{}`)}, {"bob", "first", []byte(`{}`)}, {"alice", "second", []byte(`{}`)}}
	got, err := Replay(t.Context(), config(t, namespaces(t)), requests)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Fatalf("%d answers, want 3", len(got))
	}
	if got[0].Leaks() {
		t.Errorf("the first request depended on another tenant: %+v", got[0].Differences)
	}
	want := []Difference{{"$.count", "1", "2"}, {"$.last", `""`, `"alice"`}}
	if !slices.Equal(got[1].Differences, want) || !slices.Equal(got[1].Names, []function.TenantID{"alice"}) {
		t.Errorf("bob's request: %+v, naming %q; want %+v, naming alice", got[1].Differences, got[1].Names, want)
	}
	want = []Difference{{"$.count", "2", "3"}, {"$.last", `"alice"`, `"bob"`}}
	if !slices.Equal(got[2].Differences, want) {
		t.Errorf("alice's second request: %+v, want %+v", got[2].Differences, want)
	}
	for _, a := range got {
		if strings.Contains(a.Alone, `"tenant":"`+string(a.Tenant)+`"`) != true || !strings.Contains(a.Shared, `"tenant":"`+string(a.Tenant)+`"`) {
			t.Errorf("%s is told %s alone, %s shared", a.Tenant, a.Alone, a.Shared)
		}
	}
}

func TestReplayOfAFunctionThatCannotStart(t *testing.T) {
	cfg := config(t, namespaces(t))
	if err := os.WriteFile(filepath.Join(cfg.Function.CodeDir, "bootstrap"), []byte("#!/nowhere"), 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := Replay(t.Context(), cfg, []Request{{"alice", "only", []byte(`{}`)}})
	if err != nil {
		t.Fatal(err)
	}
	var failure struct{ ErrorType string }
	if err := json.Unmarshal([]byte(got[0].Alone), &failure); err != nil || failure.ErrorType != "Runtime.InvalidEntrypoint" || got[0].Leaks() {
		t.Errorf("%+v (%v)", got[0], err)
	}
}
