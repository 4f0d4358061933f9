package twin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/bench/internal/runtimeapi"
)

// Process is a function process and its Runtime API.
type Process struct {
	API *runtimeapi.Server
	// Init is the time from before the process was made to the arrival of its
	// first next.
	Init time.Duration

	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// Placement says where the two sides run. Its zero value leaves it to the kernel,
// which on an idle machine puts both on one processor: the one who answers a
// blocked reader wakes it where it stands.
type Placement struct {
	Apart bool // the function has processor 1, and its Runtime API 0
}

// Start runs a function and returns when it has asked for its first event. The
// caller must Stop it.
func Start(ctx context.Context, b Binary, where Placement) (*Process, error) {
	var serving *int
	if where.Apart {
		serving = new(0)
	}
	api, err := runtimeapi.Listen(serving)
	if err != nil {
		return nil, err
	}
	p := &Process{API: api, cmd: exec.Command(b.Path)}
	p.cmd.Stderr = &p.stderr
	p.cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + api.Addr(),
		"AWS_LAMBDA_FUNCTION_NAME=bench",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/bench",
		"AWS_LAMBDA_LOG_STREAM_NAME=2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
		"AWS_REGION=us-east-1",
		"_HANDLER=bootstrap",
		"LAMBDA_TASK_ROOT=/var/task",
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"TZ=:UTC",
	}
	start := time.Now()
	if err := startOn(where, p.cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", b.Path, err), api.Close())
	}
	first, err := api.FirstNext(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: wait for its first next: %w\n%s", b.Path, err, p.Stop())
	}
	p.Init = first.Sub(start)
	return p, nil
}

// startOn starts a process, on processor 1 if it is to be apart.
func startOn(where Placement, cmd *exec.Cmd) error {
	if !where.Apart {
		return cmd.Start()
	}
	runtime.LockOSThread() // a child inherits the set of the thread that makes it
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("processors: %w", err)
	}
	one.Set(1)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("processor 1: %w", err)
	}
	defer unix.SchedSetaffinity(0, &before)
	return cmd.Start()
}

// Stop kills the process, waits for it, and closes its Runtime API. It returns
// what the process wrote to its standard error.
func (p *Process) Stop() string {
	p.cmd.Process.Kill()
	p.cmd.Wait() // an error, because it was killed
	p.API.Close()
	return p.stderr.String()
}

// CPU is the processor time that all the threads of the process have had.
func (p *Process) CPU() (time.Duration, error) {
	const sched = 2                               // CPUCLOCK_SCHED: user and system time, by the scheduler's own count
	clock := int32(^p.cmd.Process.Pid<<3 | sched) // as clock_getcpuclockid(3) composes it
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, fmt.Errorf("processor time of %d: %w", p.cmd.Process.Pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// PeakMemory is the most memory, in bytes, that the process has had resident.
// Source: proc_pid_status(5), VmHWM.
func (p *Process) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(value), []byte("kB")))), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmHWM in the process's status")
}
