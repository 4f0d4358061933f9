package namespace

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/cgroup"
	"github.com/berthdev/berth/internal/sandbox/output"
)

// process is the hold on one environment: it is its sandbox.Handle.
//
// No goroutine belongs to it. Whoever waits reads the control socket; the kernel
// ends the socket when it ends the stage.
type process struct {
	driver   *Driver
	id       int // the host's user ID of the environment, or -1
	out      *output.Pipe
	group    *cgroup.Group
	listener net.Listener
	control  *net.UnixConn
	stage    int // the host's ID of the stage; 0 when there is none
	main     int // that of the command

	waitOnce sync.Once
	exit     sandbox.Exit

	mu     sync.Mutex
	reaped bool  // the stage's ID may be somebody else's
	peak   int64 // the last that was measured, for when nobody is left to ask

	releaseOnce sync.Once
	releaseErr  error
}

func (p *process) Mark(token []byte) error { return p.out.Mark(token) }

func (p *process) Terminate() error { return p.command(cmdTerminate) }

// Freeze has the stage stop all others, which the kernel does in one step, forks
// under way included. A cgroup freezer would not be better: the stage of version 2
// would be frozen too, and could not end when Berth is killed; in version 1 those
// who are frozen can't be killed.
func (p *process) Freeze() error { return p.command(cmdStop) }

func (p *process) Thaw() error { return p.command(cmdContinue) }

// command asks the stage for something. An environment that has ended is past
// asking, and no error.
func (p *process) command(c byte) error {
	_, err := p.control.Write([]byte{c})
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask the stage: %w", err)
	}
	return nil
}

// Kill ends the stage, which is the first process of its pid namespace: the
// kernel ends all others with it.
func (p *process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stage == 0 || p.reaped {
		return nil
	}
	if err := unix.Kill(p.stage, unix.SIGKILL); err != nil && err != unix.ESRCH {
		return fmt.Errorf("kill sandbox: %w", err)
	}
	return nil
}

func (p *process) Wait() sandbox.Exit {
	p.waitOnce.Do(func() { p.exit = p.await() })
	return p.exit
}

// await waits for the stage's last report and then for its end, which the kernel
// grants only when every process of the namespace is gone.
func (p *process) await() sandbox.Exit {
	if p.stage == 0 {
		return sandbox.Exit{Signal: unix.SIGKILL}
	}
	r, _, err := p.receive()
	// Without waiting here the kernel would keep the ID for us; taking it away
	// and marking it as gone must be one step for Kill.
	for {
		if e := unix.Waitid(unix.P_PID, p.stage, nil, unix.WEXITED|unix.WNOWAIT, nil); e != unix.EINTR {
			break
		}
	}
	p.mu.Lock()
	for {
		if _, e := unix.Wait4(p.stage, nil, 0, nil); e != unix.EINTR {
			break
		}
	}
	p.reaped = true
	p.mu.Unlock()

	exit := sandbox.Exit{Signal: unix.SIGKILL} // no last word: killed as a whole
	if status := unix.WaitStatus(r.Status); err == nil && r.Ended {
		if status.Signaled() {
			exit = sandbox.Exit{Signal: status.Signal()}
		} else {
			exit = sandbox.Exit{Code: status.ExitStatus()}
		}
	}
	exit.OutOfMemory = exit.Signal == unix.SIGKILL && p.group.OutOfMemory()
	return exit
}

// receive reads one report and what descriptors came with it.
func (p *process) receive() (report, []int, error) {
	var r report
	b, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(2*4))
	n, oobn, _, _, err := p.control.ReadMsgUnix(b, oob)
	if err != nil {
		return r, nil, err
	}
	if n == 0 {
		return r, nil, io.EOF
	}
	fds, err := rights(oob[:oobn])
	if err != nil {
		return r, nil, err
	}
	return r, fds, decode(b[:n], &r)
}

func rights(oob []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("read descriptors: %w", err)
	}
	var all []int
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, fmt.Errorf("read descriptors: %w", err)
		}
		all = append(all, fds...)
	}
	return all, nil
}

// PeakMemory is the group's, everything counted; on a machine without a memory
// cgroup the most that the command's own process has had in memory at once.
func (p *process) PeakMemory() (bytes int64, ok bool) {
	if n, ok := p.group.PeakMemory(); ok {
		p.keepPeak(n)
	} else if n, ok := highWater(p.main); ok {
		p.keepPeak(n)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peak, p.peak > 0
}

func (p *process) keepPeak(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peak = max(p.peak, n)
}

// highWater reads the largest resident set of one process.
// Source: proc_pid_status(5), VmHWM.
func highWater(pid int) (int64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kb << 10, err == nil
		}
	}
	return 0, false
}

// Release ends what runs and gives everything back, in the reverse order.
func (p *process) Release() error {
	p.releaseOnce.Do(func() { p.releaseErr = p.release() })
	return p.releaseErr
}

func (p *process) release() error {
	var errs []error
	if p.stage != 0 {
		errs = append(errs, p.Kill())
		p.Wait()
	}
	if p.control != nil {
		errs = append(errs, p.control.Close())
	}
	if p.listener != nil {
		if err := p.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if p.out != nil {
		errs = append(errs, p.out.Release())
	}
	p.PeakMemory() // for those who ask later
	errs = append(errs, p.group.Remove())
	if p.id >= 0 {
		p.driver.ids.give(p.id)
	}
	return errors.Join(errs...)
}

var (
	_ sandbox.Handle  = (*process)(nil)
	_ sandbox.Freezer = (*process)(nil)
)
