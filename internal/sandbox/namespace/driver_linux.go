package namespace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/landlock/ruleset"
	"github.com/berthdev/berth/internal/sandbox/namespace/walls"
	"github.com/berthdev/berth/internal/sandbox/output"
	"github.com/berthdev/berth/internal/sandbox/seccomp"
)

// Config is how environments are walled in.
type Config struct {
	// Cgroups is where their limits are set; nil sets none but those of
	// setrlimit.
	Cgroups *cgroup.Tree

	// FirstID is the first of [IDs] user IDs of the host that belong to this
	// Berth's environments; 0 means [DefaultFirstID]. Two of them that run on
	// one machine must not have the same. Without a meaning where Berth is not
	// root: there all environments run as Berth's own user, each in a user
	// namespace of its own.
	FirstID int

	// Down are the walls that a test takes down.
	Down walls.Set
}

// Driver starts environments in namespaces. It is safe for concurrent use.
type Driver struct {
	cfg  Config
	ids  ids
	host func() (*host, error) // read once
}

// host is what the driver has to know of the machine.
type host struct {
	release  string // of the kernel
	filter   []byte
	landlock bool // the kernel has it
	ownIDs   bool // environments get user IDs of their own
	detach   bool // folders can be opened from here
	layouts  map[sandbox.Network]plan
}

// New makes a driver. It looks at the machine when the first environment starts.
func New(cfg Config) *Driver {
	if cfg.FirstID == 0 {
		cfg.FirstID = DefaultFirstID
	}
	d := &Driver{cfg: cfg, ids: ids{first: cfg.FirstID}}
	d.host = sync.OnceValues(d.look)
	return d
}

func (d *Driver) look() (*host, error) {
	h := &host{release: readFacts().release, layouts: map[sandbox.Network]plan{}}
	var err error
	if h.filter, err = seccomp.Program(seccomp.Scope{}); errors.Is(err, seccomp.ErrUnsupported) {
		return nil, &sandbox.UnavailableError{Isolation: "namespace", Reason: err.Error(), Fix: "use amd64 or arm64"}
	} else if err != nil {
		return nil, err
	}
	for _, n := range []sandbox.Network{sandbox.NetworkNone, sandbox.NetworkHost} {
		if h.layouts[n], err = layout(n, d.cfg.Down); err != nil {
			return nil, err
		}
	}
	if v, err := ruleset.Version(); err == nil {
		h.landlock = v >= ruleset.MinVersion
	}
	// Not every root may: the mounts may belong to another user namespace.
	fd, err := detach(unix.AT_FDCWD, bind{Source: "/", Dir: true})
	switch {
	case err == nil:
		h.detach = true
		if err := unix.Close(fd); err != nil {
			return nil, err
		}
	case err != unix.EPERM && err != unix.ENOSYS:
		return nil, fmt.Errorf("clone a mount: %w", err)
	}
	if !h.detach || d.cfg.Down.Has(walls.User) {
		return h, nil
	}
	mayChange, err := privileged()
	if err != nil {
		return nil, err
	}
	mayMap, err := d.mayMap()
	if err != nil {
		return nil, err
	}
	h.ownIDs = mayChange && mayMap
	return h, nil
}

// mayMap says whether the user IDs exist that environments are to have: in a
// container with a user namespace of its own they may not.
func (d *Driver) mayMap() (bool, error) {
	for _, name := range []string{"/proc/self/uid_map", "/proc/self/gid_map"} {
		f, err := os.Open(name)
		if err != nil {
			return false, err
		}
		have, err := parseExtents(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return false, err
		}
		if !covers(have, uint64(d.cfg.FirstID), IDs) {
			return false, nil
		}
	}
	return true, nil
}

// Start builds the walls and runs the command. When it returns, the walls stand
// and the command's program has been loaded. If ctx ends before that, the error
// is its cause.
func (d *Driver) Start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error) {
	if len(spec.Command) == 0 {
		return nil, errors.New("start a sandbox: no command")
	}
	return d.start(ctx, spec)
}

// Check builds the walls around nothing, to see whether this machine gives them;
// dir is any folder of Berth's own. It tries rather than asks: no list of settings
// is complete. The error of a machine that doesn't is a *sandbox.UnavailableError.
func (d *Driver) Check(ctx context.Context, dir string) error {
	p, err := d.start(ctx, sandbox.Spec{ID: "check", TaskDir: dir, MemoryMB: 128, TmpMB: 1, Network: sandbox.NetworkNone})
	if err != nil {
		return err
	}
	return errors.Join(p.Release(), p.Output.(io.Closer).Close())
}

// OwnIDs says whether each environment has a user ID of its own, which needs
// root; without it all run as Berth's user.
func (d *Driver) OwnIDs() bool {
	h, err := d.host()
	return err == nil && h.ownIDs
}

// NotWalled says what the driver does not stop, in sentences for people.
func (d *Driver) NotWalled(network sandbox.Network) []string {
	list := []string{"the kernel: environments share it with this machine, and a hole in it is a hole in every wall"}
	if network == sandbox.NetworkHost {
		list = append(list, "the network: functions reach whatever this machine reaches, its own ports and abstract sockets, and the Runtime API of every other environment")
	}
	if !d.OwnIDs() {
		list = append(list, "the user: all environments run as yours, kept apart by namespaces alone; as root each has a user ID of its own")
	}
	return list
}

func (d *Driver) start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error) {
	if err := check(spec); err != nil {
		return nil, err
	}
	h, err := d.host()
	if err != nil {
		return nil, fmt.Errorf("look at the machine: %w", err)
	}
	p := &process{driver: d, id: -1}
	started, err := p.start(ctx, h, spec)
	if err != nil {
		if err = errors.Join(err, p.Release()); p.out != nil {
			err = errors.Join(err, p.out.Close())
		}
		return nil, err
	}
	return started, nil
}

func check(spec sandbox.Spec) error {
	switch {
	case spec.ID == "" || strings.ContainsFunc(spec.ID, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}):
		return fmt.Errorf("start a sandbox: %q is no ID for one", spec.ID)
	case spec.Network != sandbox.NetworkNone && spec.Network != sandbox.NetworkHost:
		return fmt.Errorf("start a sandbox: no network is called %q", spec.Network)
	}
	return nil
}

// start fills p in as it goes, so that Release gives back whatever was taken.
func (p *process) start(ctx context.Context, h *host, spec sandbox.Spec) (*sandbox.Process, error) {
	d := p.driver
	var err error
	if p.out, err = output.New(); err != nil {
		return nil, err
	}
	if p.group, err = d.cfg.Cgroups.New(spec.ID, limits(spec)); err != nil {
		return nil, err
	}
	if h.ownIDs {
		if p.id, err = d.ids.take(); err != nil {
			return nil, err
		}
	}
	plan := d.plan(h, spec)
	if !plan.Loopback {
		// The host's own loopback: whoever runs on this machine can connect.
		if p.listener, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("listen for the Runtime API: %w", err)
		}
		plan.Env = withRuntimeAPI(spec.Env, p.listener.Addr().String())
	}
	if err := p.spawn(h, &plan); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Kill() })
	err = p.handOver(plan, spec)
	if !stop() && err != nil {
		err = fmt.Errorf("start a sandbox: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, err
	}
	return &sandbox.Process{PID: p.main, RuntimeAPI: p.listener, Output: p.out, Handle: p}, nil
}

// plan is what the stage of one environment is to build.
func (d *Driver) plan(h *host, spec sandbox.Spec) plan {
	down := d.cfg.Down
	p := h.layouts[spec.Network]
	p.Command = spec.Command
	p.Env = withRuntimeAPI(spec.Env, fmt.Sprintf("127.0.0.1:%d", runtimePort))
	p.ChangeID = h.ownIDs
	p.Hostname = "berth"
	p.Loopback = spec.Network == sandbox.NetworkNone && !down.Has(walls.Net)
	p.Cgroup = true
	p.Landlock = h.landlock && !down.Has(walls.Landlock)
	p.Folders = []bind{{Source: spec.TaskDir, Target: "/var/task", Dir: true, Writable: down.Has(walls.Task)}}
	if spec.OptDir != "" {
		p.Folders = append(p.Folders, bind{Source: spec.OptDir, Target: "/opt", Dir: true})
	}
	if !down.Has(walls.Seccomp) {
		p.Filter = h.filter
	}
	if down.Has(walls.Tmp) {
		p.Binds = append(slices.Clip(p.Binds), bind{Source: os.TempDir(), Target: "/tmp", Dir: true, Writable: true})
	} else {
		p.Tmp = fmt.Sprintf("mode=1777,size=%dm", max(spec.TmpMB, 1))
	}
	// Source: the limits that a function of AWS Lambda prints; CORE differs: 1 is
	// the value at which the kernel hands no memory of a function to a program of
	// the host either.
	p.Limits = []limit{
		{unix.RLIMIT_NOFILE, 1024, 1024},
		{unix.RLIMIT_CORE, 1, 1},
		{unix.RLIMIT_MEMLOCK, 65536, 65536},
	}
	// Older kernels would count all that the user runs, here and elsewhere.
	if h.ownIDs || !d.cfg.Cgroups.Can("pids") && !olderThan(h.release, 5, 14) {
		n := uint64(processes(spec))
		p.Limits = append(p.Limits, limit{unix.RLIMIT_NPROC, n, n})
	}
	return p
}

// limits are the group's. In version 2 the stage is a member of the group.
func limits(spec sandbox.Spec) cgroup.Limits {
	return cgroup.Limits{
		MemoryBytes: int64(spec.MemoryMB) << 20,
		Processes:   processes(spec),
		Weight:      cgroup.CPUs(spec.MemoryMB),
	}
}

// processes is the limit on processes and threads, of which the stage's own are
// a few. Source of the default: AWS Lambda developer guide,
// gettingstarted-limits.
func processes(spec sandbox.Spec) int {
	const stageThreads = 16
	n := spec.MaxProcesses
	if n == 0 {
		n = 1024
	}
	return n + stageThreads
}

func withRuntimeAPI(env []string, addr string) []string {
	const name = "AWS_LAMBDA_RUNTIME_API="
	env = slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return strings.HasPrefix(kv, name) })
	return append(env, name+addr)
}

// spawn starts the stage in its namespaces, and opens the control socket.
func (p *process) spawn(h *host, plan *plan) (err error) {
	var opened []*os.File // for the stage alone
	defer func() {
		for _, f := range opened {
			err = errors.Join(err, f.Close())
		}
	}()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make the control socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "control"), os.NewFile(uintptr(pair[1]), "control")
	opened = append(opened, ours, theirs) // FileConn makes its own of ours
	conn, err := net.FileConn(ours)
	if err != nil {
		return fmt.Errorf("make the control socket: %w", err)
	}
	p.control = conn.(*net.UnixConn)

	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("give the command a stdin: %w", err)
	}
	opened = append(opened, null)
	files := []uintptr{null.Fd(), p.out.Writer().Fd(), p.out.Writer().Fd(), theirs.Fd()}
	plan.FolderFDs = h.detach
	if h.detach {
		for _, f := range plan.Folders {
			fd, err := detach(unix.AT_FDCWD, f)
			if err != nil {
				return explain("open the folder "+f.Source, err)
			}
			tree := os.NewFile(uintptr(fd), f.Source)
			opened = append(opened, tree)
			files = append(files, tree.Fd())
		}
	}
	joins, err := p.group.Joins()
	if err != nil {
		return err
	}
	opened = append(opened, joins...)
	plan.Joins = len(joins)
	for _, f := range joins {
		files = append(files, f.Fd())
	}

	sys := p.namespaces(plan)
	group, err := p.group.Dir()
	if err != nil {
		return fmt.Errorf("open the cgroup: %w", err)
	}
	if group != nil {
		opened = append(opened, group)
		sys.UseCgroupFD, sys.CgroupFD = true, int(group.Fd())
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{stageName}, &syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1", "GOGC=off"}, // it lives on almost nothing
		Files: files,
		Sys:   sys,
	})
	if err != nil {
		return explain("make the namespaces", err)
	}
	p.stage = pid
	return nil
}

// namespaces says into which of them the stage is born, and as whom.
func (p *process) namespaces(plan *plan) *syscall.SysProcAttr {
	down := p.driver.cfg.Down
	sys := &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWNS | unix.CLONE_NEWUTS,
		AmbientCaps: stageCaps,
		Setsid:      true,
	}
	if !down.Has(walls.PID) {
		sys.Cloneflags |= unix.CLONE_NEWPID
	}
	if !down.Has(walls.IPC) {
		sys.Cloneflags |= unix.CLONE_NEWIPC
	}
	if plan.Loopback {
		sys.Cloneflags |= unix.CLONE_NEWNET
	}
	if down.Has(walls.User) {
		return sys
	}
	sys.Cloneflags |= unix.CLONE_NEWUSER
	uid, gid := os.Geteuid(), os.Getegid()
	if p.id >= 0 {
		uid, gid = p.id, p.id
	}
	sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: sandboxID, HostID: uid, Size: 1}}
	sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: sandboxID, HostID: gid, Size: 1}}
	// Root's stage empties its list of groups before it gives up the right to.
	sys.GidMappingsEnableSetgroups = p.id >= 0
	return sys
}

// handOver gives the plan to the stage and waits until the command runs.
func (p *process) handOver(plan plan, spec sandbox.Spec) error {
	b, err := encode(plan)
	if err != nil {
		return err
	}
	if _, err := p.control.Write(b); err != nil && !errors.Is(err, unix.EPIPE) {
		return fmt.Errorf("hand the plan to the stage: %w", err)
	}
	r, fds, err := p.receive()
	if errors.Is(err, io.EOF) {
		return errors.New("the stage ended without a word; does main call namespace.Stage first?")
	}
	if err != nil {
		return fmt.Errorf("wait for the stage: %w", err)
	}
	switch {
	case r.Command:
		return &sandbox.StartError{Command: spec.Command[0], Err: syscall.Errno(r.Errno)}
	case r.Step != "":
		return explain(r.Step, syscall.Errno(r.Errno))
	}
	if len(spec.Command) == 0 {
		return nil
	}
	return p.adopt(fds, plan.Loopback)
}

// adopt takes over the descriptors that came with the stage's first report: one
// of the command, to know its number by, and one of the Runtime API's listener.
func (p *process) adopt(fds []int, listener bool) (err error) {
	var files []*os.File
	for _, fd := range fds {
		files = append(files, os.NewFile(uintptr(fd), "from the stage"))
	}
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
	}()
	if want := map[bool]int{true: 2, false: 1}[listener]; len(files) != want {
		return fmt.Errorf("the stage sent %d descriptors instead of %d", len(files), want)
	}
	if p.main, err = pidOf(files[0]); err != nil {
		return err
	}
	if listener {
		if p.listener, err = net.FileListener(files[1]); err != nil {
			return fmt.Errorf("take over the Runtime API's listener: %w", err)
		}
	}
	return nil
}

// pidOf reads which process a pidfd stands for, in this process's own numbers.
func pidOf(f *os.File) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", f.Fd()))
	if err != nil {
		return 0, fmt.Errorf("read the command's process ID: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		var pid int
		if _, err := fmt.Sscanf(line, "Pid: %d", &pid); err == nil {
			return pid, nil
		}
	}
	return 0, errors.New("read the command's process ID: the kernel doesn't tell")
}
