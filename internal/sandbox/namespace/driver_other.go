//go:build !linux

package namespace

import (
	"context"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/namespace/walls"
)

// Config has no meaning on this system.
type Config struct {
	Cgroups *cgroup.Tree
	FirstID int
	Down    walls.Set
}

// Driver starts nothing on this system.
type Driver struct{}

// New makes a driver that refuses.
func New(Config) *Driver { return &Driver{} }

// Stage returns at once: this system has no stages.
func Stage() {}

var errNoLinux = &sandbox.UnavailableError{
	Isolation: "namespace", Reason: "only Linux has namespaces", Fix: "run berth on Linux, or in a Linux virtual machine",
}

// Start refuses.
func (*Driver) Start(context.Context, sandbox.Spec) (*sandbox.Process, error) { return nil, errNoLinux }

// Check refuses.
func (*Driver) Check(context.Context, string) error { return errNoLinux }

// OwnIDs is false.
func (*Driver) OwnIDs() bool { return false }

// NotWalled is everything.
func (*Driver) NotWalled(sandbox.Network) []string { return []string{"anything: " + errNoLinux.Reason} }
