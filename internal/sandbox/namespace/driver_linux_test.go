package namespace

import (
	"fmt"
	"os"
	"testing"

	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	Stage()
	sandboxtest.Act()
	os.Exit(m.Run())
}

func newDriver(t *testing.T) sandboxtest.Starter {
	t.Helper()
	tree, err := cgroup.Open(fmt.Sprintf("berth-test-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	return New(Config{Cgroups: tree})
}

func TestConformance(t *testing.T) { sandboxtest.Run(t, newDriver) }

func TestRuntimes(t *testing.T) { sandboxtest.Runtimes(t, newDriver) }
