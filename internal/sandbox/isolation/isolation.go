// Package isolation chooses the driver that walls environments in.
//
// [Open] takes the strongest that this machine gives, and refuses to take one
// that is weaker than the user accepts. It owns what the drivers share: the
// folder for temporary files, which clears away what a killed Berth has left, and
// the cgroups. It does not say how a wall is built.
package isolation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/landlock"
	"github.com/berthdev/berth/internal/sandbox/namespace"
	"github.com/berthdev/berth/internal/sandbox/process"
	"github.com/berthdev/berth/internal/sandbox/rundir"
)

// The drivers by name.
const (
	Namespace = "namespace"
	Landlock  = "landlock"
	Process   = "process"
)

// Names are the drivers, the strongest first.
func Names() []string { return []string{Namespace, Landlock, Process} }

// promises say in a sentence what each driver gives.
var promises = map[string]string{
	Namespace: "Each environment has its own files, processes, memory, network and kernel objects, no rights, and only the system calls it needs.",
	Landlock:  "Each environment opens its own files only, reaches its own Runtime API only, signals and debugs nothing outside, has no rights, and only the system calls it needs.",
	Process:   "Each environment is a process of its own with a folder of its own. This is no security boundary.",
}

// Driver starts environments.
type Driver interface {
	Start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error)
}

// Config says what is wanted.
type Config struct {
	// Weakest is the weakest driver that is accepted; "" accepts any.
	Weakest string
	// Network is what the environments will be given; "" is none.
	Network sandbox.Network
	// TempDir is where temporary folders are made; "" is the system's. What a
	// killed Berth has left is found by the next one with the same.
	TempDir string
}

// Isolation is what is in force. Close it when no environment is left.
type Isolation struct {
	Name      string
	Promise   string   // one sentence
	NotWalled []string // what it does not stop on this machine, in sentences
	// Missed are the stronger drivers that can't be had here, and why.
	Missed []*sandbox.UnavailableError
	// Left is what a Berth that was killed has left and could not be cleared
	// away; nil when all is clean.
	Left error

	Driver Driver

	run   *rundir.Dir
	ids   *idRange
	group *cgroup.Tree
}

// Open chooses. Where Weakest can't be had, the error is a
// *sandbox.UnavailableError; nothing weaker is started.
func Open(ctx context.Context, cfg Config) (*Isolation, error) {
	names := Names()
	last := len(names) - 1
	if cfg.Weakest != "" {
		if last = slices.Index(names, cfg.Weakest); last < 0 {
			return nil, fmt.Errorf("no isolation is called %q: choose one of %s", cfg.Weakest, strings.Join(names, ", "))
		}
	}
	if cfg.Network == "" {
		cfg.Network = sandbox.NetworkNone
	}
	if cfg.TempDir == "" {
		cfg.TempDir = os.TempDir()
	}
	i := &Isolation{}
	if err := i.open(ctx, cfg.TempDir); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	for _, name := range names[:last+1] {
		err := i.try(ctx, name, cfg.Network)
		if err == nil {
			return i, nil
		}
		missed, ok := errors.AsType[*sandbox.UnavailableError](err)
		if !ok {
			return nil, errors.Join(fmt.Errorf("try isolation %s: %w", name, err), i.Close())
		}
		i.Missed = append(i.Missed, missed)
	}
	return nil, errors.Join(i.Missed[len(i.Missed)-1], i.Close())
}

// open makes the run folder and the cgroups, having cleared away the dead.
func (i *Isolation) open(ctx context.Context, base string) (err error) {
	i.run, i.Left = rundir.Open(ctx, base, sweep)
	if i.run == nil {
		return i.Left
	}
	// A name that nobody else has: what the next start removes is then nobody
	// else's either.
	if i.group, err = cgroup.Open("berth-" + strings.ToLower(rand.Text())); err != nil {
		return err
	}
	if i.ids, err = reserveIDs(); err != nil {
		return err
	}
	dirs := strings.Join(i.group.Dirs(), "\n")
	if err := os.WriteFile(filepath.Join(i.run.Path, cgroupsFile), []byte(dirs), 0o600); err != nil {
		return fmt.Errorf("note the cgroups: %w", err)
	}
	return nil
}

// cgroupsFile tells the next start where this one's cgroups were.
const cgroupsFile = "cgroups"

// sweep clears away what a dead Berth has left outside of its folder.
func sweep(ctx context.Context, path string) error {
	_, err := process.KillAll(path)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(path, cgroupsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the cgroups of a dead run: %w", err)
	}
	return cgroup.Sweep(ctx, strings.Split(strings.TrimSpace(string(b)), "\n"))
}

// try takes the driver, if this machine gives it.
func (i *Isolation) try(ctx context.Context, name string, network sandbox.Network) error {
	switch name {
	case Namespace:
		d := namespace.New(namespace.Config{
			Cgroups: i.group,
			FirstID: i.ids.first,
		})
		if err := d.Check(ctx, i.run.Path); err != nil {
			return err
		}
		i.Driver, i.NotWalled = d, d.NotWalled(network)
	case Landlock:
		d := landlock.New(landlock.Config{Cgroups: i.group, Dir: i.run.Path})
		if err := d.Check(ctx, i.run.Path); err != nil {
			return err
		}
		i.Driver, i.NotWalled = d, d.NotWalled(network)
	case Process:
		i.Driver = process.New(process.Config{Cgroups: i.group, Dir: i.run.Path})
		i.NotWalled = process.NotWalled()
	}
	i.Name, i.Promise = name, promises[name]
	for _, p := range i.group.Problems {
		if words := unlimited[p.Controller]; words != "" {
			i.NotWalled = append(i.NotWalled, words+": "+p.Reason)
		}
	}
	return nil
}

// unlimited says what a missing controller lets happen.
var unlimited = map[string]string{
	"memory": "memory: a function may use more than its MemorySize",
	"pids":   "processes: a function may start more than 1,024, up to your own limit",
	"cpu":    "CPU: a busy function slows the others down",
}

// Limits are those that can't be enforced here, and what would help.
func (i *Isolation) Limits() []cgroup.Problem { return slices.Clone(i.group.Problems) }

// Close gives everything back. The environments must have been released.
func (i *Isolation) Close() error {
	err := errors.Join(i.group.Close(), i.ids.close())
	if i.run != nil {
		err = errors.Join(err, i.run.Close())
	}
	return err
}
