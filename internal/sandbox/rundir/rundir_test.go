//go:build unix

package rundir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func none(context.Context, string) error { return nil }

func open(t *testing.T, base string, sweep func(context.Context, string) error) *Dir {
	t.Helper()
	d, err := Open(t.Context(), base, sweep)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closeDir(t *testing.T, d *Dir) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func isEmpty(t *testing.T, base string) {
	t.Helper()
	left, err := os.ReadDir(base)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the base folder: %v, %v", left, err)
	}
}

func TestTwoHaveTwoSlots(t *testing.T) {
	base := t.TempDir()
	a, b := open(t, base, none), open(t, base, none)
	if a.Path == b.Path {
		t.Errorf("both have %s", a.Path)
	}
	closeDir(t, a)
	c := open(t, base, none)
	if c.Path != a.Path {
		t.Errorf("%s is free, and the next got %s", a.Path, c.Path)
	}
	closeDir(t, b)
	closeDir(t, c)
	isEmpty(t, base)
}

// A closed lock is all that is left of a process that was killed.
func TestTheDeadAreSweptAndTheLivingAreNot(t *testing.T) {
	base := t.TempDir()
	alive, dead := open(t, base, none), open(t, base, none)
	if err := os.WriteFile(filepath.Join(dead.Path, "cgroups"), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Close(); err != nil {
		t.Fatal(err)
	}
	var swept []string
	next := open(t, base, func(_ context.Context, path string) error {
		b, err := os.ReadFile(filepath.Join(path, "cgroups"))
		swept = append(swept, path+" "+string(b))
		return err
	})
	if !slices.Equal(swept, []string{dead.Path + " left"}) {
		t.Errorf("swept %q", swept)
	}
	closeDir(t, next)
	closeDir(t, alive)
	isEmpty(t, base)
}

func TestAFailedSweepIsTriedAgainAndStopsNobody(t *testing.T) {
	base := t.TempDir()
	dead := open(t, base, none)
	if err := dead.lock.Close(); err != nil {
		t.Fatal(err)
	}
	busy := errors.New("a process will not die")
	d, err := Open(t.Context(), base, func(context.Context, string) error { return busy })
	if d == nil || !errors.Is(err, busy) {
		t.Fatalf("got %v, %v", d, err)
	}
	if d.Path == dead.Path {
		t.Error("the slot that could not be swept was given out")
	}
	closeDir(t, d)
	closeDir(t, open(t, base, none))
	isEmpty(t, base)
}

func TestAFolderOfSomebodyElseIsRefused(t *testing.T) {
	base := t.TempDir()
	d := open(t, base, none)
	closeDir(t, d)
	if err := os.Mkdir(d.parent, 0o755); err != nil { // others may look in
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), base, none); err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Errorf("a folder with mode 0755: %v", err)
	}
	if err := os.Remove(d.parent); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), d.parent); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), base, none); err == nil {
		t.Error("a link to elsewhere was followed")
	}
}

func TestManyAtOnce(t *testing.T) {
	base := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				d, err := Open(t.Context(), base, func(_ context.Context, path string) error {
					t.Errorf("%s was taken for dead", path)
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	isEmpty(t, base)
}
