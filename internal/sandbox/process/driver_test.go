//go:build unix

package process

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

func TestConformance(t *testing.T) {
	t.Run("without cgroups", func(t *testing.T) {
		sandboxtest.Run(t, func(t *testing.T) sandboxtest.Starter { return New(Config{Dir: t.TempDir()}) })
	})
	t.Run("with cgroups", func(t *testing.T) {
		sandboxtest.Run(t, func(t *testing.T) sandboxtest.Starter {
			tree, err := cgroup.Open(fmt.Sprintf("berth-test-process-%d", os.Getpid()))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := tree.Close(); err != nil {
					t.Error(err)
				}
			})
			return New(Config{Dir: t.TempDir(), Cgroups: tree})
		})
	})
}

func BenchmarkStart(b *testing.B) { sandboxtest.Benchmark(b, New(Config{Dir: b.TempDir()})) }
