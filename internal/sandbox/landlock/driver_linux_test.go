package landlock

import (
	"fmt"
	"os"
	"testing"

	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	sandboxtest.Act()
	os.Exit(m.Run())
}

func newDriver(t *testing.T, tree *cgroup.Tree) sandboxtest.Starter {
	t.Helper()
	d := New(Config{Dir: t.TempDir(), Cgroups: tree})
	if err := d.Check(t.Context(), t.TempDir()); err != nil {
		t.Skip(err)
	}
	return d
}

func TestConformance(t *testing.T) {
	t.Run("without cgroups", func(t *testing.T) {
		sandboxtest.Run(t, func(t *testing.T) sandboxtest.Starter { return newDriver(t, nil) })
	})
	t.Run("with cgroups", func(t *testing.T) {
		sandboxtest.Run(t, func(t *testing.T) sandboxtest.Starter {
			tree, err := cgroup.Open(fmt.Sprintf("berth-test-landlock-%d", os.Getpid()))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := tree.Close(); err != nil {
					t.Error(err)
				}
			})
			return newDriver(t, tree)
		})
	})
}

func TestRuntimes(t *testing.T) {
	sandboxtest.Runtimes(t, func(t *testing.T) sandboxtest.Starter { return newDriver(t, nil) })
}

func BenchmarkStart(b *testing.B) { sandboxtest.Benchmark(b, New(Config{Dir: b.TempDir()})) }
