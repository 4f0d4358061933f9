// Package doctor says what this machine can isolate and limit, and what to type
// or install where it can't. It tries things rather than asks for settings, and
// leaves nothing behind.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/isolation"
	"github.com/berthdev/berth/internal/sandbox/landlock"
	"github.com/berthdev/berth/internal/sandbox/namespace"
	"github.com/berthdev/berth/internal/sandbox/process"
)

// A Kind is what a finding is about.
type Kind string

// The kinds, in the order in which they are reported.
const (
	Isolation Kind = "isolation" // a driver
	Limit     Kind = "limit"     // what an environment may use
)

// A Finding is one thing that this machine can or can't do.
type Finding struct {
	Kind   Kind
	Name   string // "namespace", "memory"
	OK     bool
	Detail string // how it is done, or why not; never empty
	Fix    string // what would change it; empty where OK
}

// Report is what was found, in the order in which it reads well.
type Report struct {
	Findings  []Finding
	Strongest string // the driver that Berth would take, "" if none
}

// limits are the controllers as people call them.
var limits = []struct{ controller, name, good string }{
	{"memory", "memory", "MemorySize is enforced and its use measured"},
	{"pids", "processes", "1,024 processes and threads for each environment"},
	{"cpu", "cpu", "a share in proportion to MemorySize"},
}

// Examine looks. dir is where it may make a folder for a moment; "" is the
// system's folder for temporary files.
func Examine(ctx context.Context, dir string) (Report, error) {
	var r Report
	tmp, err := os.MkdirTemp(dir, "berth-doctor-")
	if err != nil {
		return r, fmt.Errorf("examine this machine: %w", err)
	}
	tree, err := cgroup.Open(fmt.Sprintf("berth-doctor-%d", os.Getpid()))
	if err != nil {
		return r, errors.Join(fmt.Errorf("examine this machine: %w", err), os.RemoveAll(tmp))
	}
	err = r.examine(ctx, tmp, tree)
	return r, errors.Join(err, tree.Close(), os.RemoveAll(tmp))
}

func (r *Report) examine(ctx context.Context, tmp string, tree *cgroup.Tree) error {
	d := namespace.New(namespace.Config{Cgroups: tree})
	err := d.Check(ctx, tmp)
	f := Finding{Kind: Isolation, Name: isolation.Namespace, OK: err == nil}
	missing, ok := errors.AsType[*sandbox.UnavailableError](err)
	switch {
	case ok:
		f.Detail, f.Fix = missing.Reason, missing.Fix
	case err != nil:
		return fmt.Errorf("examine this machine: %w", err)
	case d.OwnIDs():
		f.Detail = "as root: each environment has a user ID of its own"
	default:
		f.Detail = "by unprivileged user namespaces: all environments run as your user, kept apart by namespaces"
	}
	r.add(f)
	err = landlock.New(landlock.Config{Dir: tmp}).Check(ctx, tmp)
	f = Finding{Kind: Isolation, Name: isolation.Landlock, OK: err == nil, Detail: "files, TCP, signals and sockets; processes and file names are still seen"}
	if missing, ok := errors.AsType[*sandbox.UnavailableError](err); ok {
		f.Detail, f.Fix = missing.Reason, missing.Fix
	} else if err != nil {
		return fmt.Errorf("examine this machine: %w", err)
	}
	r.add(f)
	r.add(Finding{Kind: Isolation, Name: isolation.Process, OK: true, Detail: "no security boundary: " + process.NotWalled()[0]})
	for _, l := range limits {
		f := Finding{Kind: Limit, Name: l.name, OK: tree.Can(l.controller), Detail: l.good + " (cgroup " + tree.Describe() + ")"}
		for _, p := range tree.Problems {
			if p.Controller == l.controller {
				f.Detail, f.Fix = p.Reason, p.Fix
			}
		}
		r.add(f)
	}
	return nil
}

func (r *Report) add(f Finding) {
	r.Findings = append(r.Findings, f)
	if f.Kind == Isolation && f.OK && r.Strongest == "" {
		r.Strongest = f.Name
	}
}
