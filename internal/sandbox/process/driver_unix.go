//go:build unix

// Package process starts execution environments as ordinary processes.
//
// Each has a process group, a folder for temporary files and an endpoint of its
// own, and that is all: it is no security boundary. A function can read what the
// user can read, find other environments in the list of processes, signal them,
// and connect to their Runtime APIs. It is for machines that give nothing
// stronger, and for those who run only their own code.
package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/output"
)

// Config is what environments are given.
type Config struct {
	// Cgroups is where their limits are set; nil sets none.
	Cgroups *cgroup.Tree
	// Dir is where their folders are made. It must be Berth's own, and its path
	// must be told to [KillAll] by whoever finds it left behind.
	Dir string

	// Restrict, if there is one, is called on the thread that starts the command,
	// right before it does. What it takes from the thread, the command does not
	// have either; the thread is not used for anything else afterwards.
	Restrict func(Restriction) error
}

// A Restriction is what is known of an environment before its command starts.
type Restriction struct {
	TaskDir, TmpDir string
	OptDir          string // "" for none
	RuntimeAPI      *net.TCPAddr
	Network         sandbox.Network
}

// Driver starts environments as processes. It is safe for concurrent use.
type Driver struct{ cfg Config }

// New makes a driver.
func New(cfg Config) *Driver { return &Driver{cfg} }

// Start runs the command. When it returns, the command's program has been loaded.
// Spec.TmpMB and Spec.Network can't be enforced here: the file system and the
// network are the host's.
func (d *Driver) Start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error) {
	if err := check(spec); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("start a process: %w", context.Cause(ctx))
	}
	p := &process{dir: filepath.Join(d.cfg.Dir, spec.ID), done: make(chan struct{})}
	if err := p.start(d, spec); err != nil {
		if !p.running {
			close(p.done)
		}
		if err = errors.Join(err, p.Release()); p.out != nil {
			err = errors.Join(err, p.out.Close())
		}
		return nil, err
	}
	return &sandbox.Process{PID: p.pid, RuntimeAPI: p.listener, Output: p.out, Handle: p}, nil
}

func check(spec sandbox.Spec) error {
	switch {
	case spec.ID == "" || strings.ContainsFunc(spec.ID, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}):
		return fmt.Errorf("start a process: %q is no ID for one", spec.ID)
	case len(spec.Command) == 0:
		return errors.New("start a process: no command")
	}
	return nil
}

func (p *process) start(d *Driver, spec sandbox.Spec) (err error) {
	if p.out, err = output.New(); err != nil {
		return err
	}
	tmp := p.tmp()
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return fmt.Errorf("make the environment's folder: %w", err)
	}
	if p.group, err = d.cfg.Cgroups.New(spec.ID, limits(spec)); err != nil {
		return err
	}
	if p.listener, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen for the Runtime API: %w", err)
	}
	argv := command(spec.Command, spec)
	env := environ(spec.Env, spec, tmp, p.listener.Addr().String())
	restrict := func() error { return nil }
	if d.cfg.Restrict != nil {
		restrict = func() error {
			return d.cfg.Restrict(Restriction{
				TaskDir: spec.TaskDir, TmpDir: tmp, OptDir: spec.OptDir,
				RuntimeAPI: p.listener.Addr().(*net.TCPAddr), Network: spec.Network,
			})
		}
	}
	if err := p.spawn(argv, env, spec, restrict); err != nil {
		return err
	}
	return limitProcess(p.pid)
}

// limits are the group's. A thread of Berth's is in it for the moment of the
// start.
func limits(spec sandbox.Spec) cgroup.Limits {
	n := spec.MaxProcesses
	if n == 0 {
		n = 1024 // Source: AWS Lambda developer guide, gettingstarted-limits
	}
	return cgroup.Limits{
		MemoryBytes: int64(spec.MemoryMB) << 20,
		Processes:   n + 1,
		Weight:      cgroup.CPUs(spec.MemoryMB),
	}
}

// NotWalled says what the driver does not stop, in sentences for people.
func NotWalled() []string {
	return []string{
		"files: a function reads and writes whatever you may, other tenants' files included",
		"processes: it sees, signals and debugs yours and those of other tenants",
		"the network: it reaches whatever this machine reaches, and the Runtime API of every other environment",
	}
}
