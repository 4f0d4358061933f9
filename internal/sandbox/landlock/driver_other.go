//go:build !linux

package landlock

import (
	"context"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
)

// Config has no meaning on this system.
type Config struct {
	Cgroups *cgroup.Tree
	Dir     string
}

// Driver starts nothing on this system.
type Driver struct{}

// New makes a driver that refuses.
func New(Config) *Driver { return &Driver{} }

var errNoLinux = &sandbox.UnavailableError{
	Isolation: "landlock", Reason: "only Linux has Landlock", Fix: "run berth on Linux, or in a Linux virtual machine",
}

// Start refuses.
func (*Driver) Start(context.Context, sandbox.Spec) (*sandbox.Process, error) { return nil, errNoLinux }

// Check refuses.
func (*Driver) Check(context.Context, string) error { return errNoLinux }

// NotWalled is everything.
func (*Driver) NotWalled(sandbox.Network) []string { return []string{"anything: " + errNoLinux.Reason} }
