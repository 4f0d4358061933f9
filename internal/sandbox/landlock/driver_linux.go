package landlock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/landlock/ruleset"
	"github.com/berthdev/berth/internal/sandbox/process"
	"github.com/berthdev/berth/internal/sandbox/seccomp"
	"github.com/berthdev/berth/internal/sandbox/thread"
)

// Config is what environments are given; the fields are those of
// process.Config.
type Config struct {
	Cgroups *cgroup.Tree
	Dir     string
}

// Driver starts environments behind Landlock. It is safe for concurrent use.
type Driver struct {
	process *process.Driver
	filters func() (map[sandbox.Network][]byte, error) // assembled once
}

// New makes a driver.
func New(cfg Config) *Driver {
	d := &Driver{filters: sync.OnceValues(assemble)}
	d.process = process.New(process.Config{Cgroups: cfg.Cgroups, Dir: cfg.Dir, Restrict: d.restrict})
	return d
}

func assemble() (map[sandbox.Network][]byte, error) {
	filters := map[sandbox.Network][]byte{}
	for _, n := range []sandbox.Network{sandbox.NetworkNone, sandbox.NetworkHost} {
		var err error
		filters[n], err = seccomp.Program(seccomp.Scope{Shared: true, TCPOnly: n == sandbox.NetworkNone})
		if errors.Is(err, seccomp.ErrUnsupported) {
			return nil, &sandbox.UnavailableError{Isolation: "landlock", Reason: err.Error(), Fix: "use amd64 or arm64"}
		} else if err != nil {
			return nil, err
		}
	}
	return filters, nil
}

// Start runs the command behind the walls. Spec.TmpMB can't be enforced.
func (d *Driver) Start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error) {
	if _, err := d.filters(); err != nil {
		return nil, err
	}
	return d.process.Start(ctx, spec)
}

// Check builds the walls around a thread that does nothing, to see whether this
// machine gives them; dir is any folder. The error of a machine that doesn't is a
// *sandbox.UnavailableError.
func (d *Driver) Check(_ context.Context, dir string) error {
	abi, err := ruleset.Version()
	unavailable := &sandbox.UnavailableError{Isolation: "landlock"}
	switch {
	case errors.Is(err, unix.ENOSYS):
		unavailable.Reason, unavailable.Fix = "this kernel has no Landlock", "use Linux 6.12 or newer"
	case errors.Is(err, unix.EOPNOTSUPP):
		unavailable.Reason = "Landlock is switched off"
		unavailable.Fix = "add landlock to the list of the kernel's boot parameter lsm="
	case err != nil:
		unavailable.Reason, unavailable.Fix = err.Error(), "use Linux 6.12 or newer"
	case abi < ruleset.MinVersion:
		unavailable.Reason = fmt.Sprintf("Landlock's version here is %d, and signals are walled off from %d on", abi, ruleset.MinVersion)
		unavailable.Fix = "use Linux 6.12 or newer"
	default:
		return d.tryOut(dir)
	}
	return unavailable
}

func (d *Driver) tryOut(dir string) error {
	var err error
	thread.Run(func() {
		err = d.restrict(process.Restriction{
			TaskDir: dir, TmpDir: dir, RuntimeAPI: &net.TCPAddr{Port: 9001}, Network: sandbox.NetworkNone,
		})
	})
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return &sandbox.UnavailableError{Isolation: "landlock", Reason: err.Error(),
			Fix: map[bool]string{true: "in a container: docker run --security-opt seccomp=unconfined", false: "berth doctor"}[errno == unix.EPERM]}
	}
	return err
}

// NotWalled says what the driver does not stop, in sentences for people.
func (d *Driver) NotWalled(network sandbox.Network) []string {
	list := []string{
		"the kernel: environments share it with this machine, and a hole in it is a hole in every wall",
		"names: a function sees which processes run and with which arguments, and whether a file exists, its size and its owner; it can't open either",
		"the user: all environments run as yours",
		"the size of temporary files",
	}
	if network == sandbox.NetworkHost {
		list = append(list, "the network: functions reach whatever this machine reaches, its own ports, and the Runtime API of every other environment")
	}
	return list
}

// restrict walls the calling thread in, for good.
func (d *Driver) restrict(r process.Restriction) error {
	filters, err := d.filters()
	if err != nil {
		return err
	}
	rules, err := ruleset.New(ruleset.Handled{Files: everything, TCP: r.Network == sandbox.NetworkNone})
	if err != nil {
		return err
	}
	if err := allow(rules, r); err != nil {
		return errors.Join(err, rules.Close())
	}
	if err := dropCapabilities(); err != nil {
		return errors.Join(err, rules.Close())
	}
	if err := errors.Join(rules.Enforce(), rules.Close()); err != nil {
		return err
	}
	return seccomp.InstallThread(filters[r.Network])
}

// dropCapabilities leaves the thread none, where Berth is root.
func dropCapabilities() error {
	for c := uintptr(0); ; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if err == unix.EINVAL || err == unix.EPERM { // the last one; or no root, who has none to lose
			break
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	return nil
}
