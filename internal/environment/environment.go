// Package environment is one execution environment: a function's process in its
// sandbox, the Runtime API that it talks to, and the invocations that it serves,
// one at a time.
//
// An [Environment] is made for one version of a function. It is bound to a
// tenant once, by its first invocation, and from then on it refuses any other.
// It knows nothing of other environments, nor of why it was started.
package environment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/telemetry"
)

// InitTimeout is how long an init may take before it is given up and done again
// within the first invocation. Source: AWS Lambda developer guide,
// lambda-runtime-environment.
const InitTimeout = 10 * time.Second

// Driver builds sandboxes. It is safe for concurrent use.
type Driver interface {
	// Start returns when the process runs. The process outlives ctx: only its
	// Handle ends it. When the command can't be run, the error is a
	// *sandbox.StartError; when this machine can't give the isolation, a
	// *sandbox.UnavailableError.
	Start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error)
}

// Config is what an environment is made of.
type Config struct {
	ID      string // 32 hex digits; names the log stream, too
	Version *function.Version
	Driver  Driver

	Region      string
	Account     string
	Credentials Credentials // what the function calls AWS with
	Network     sandbox.Network

	// InitTimeout bounds the init; 0 means [InitTimeout].
	InitTimeout time.Duration
	// Suppressed marks an init that is done again within an invocation, because
	// the one before it failed.
	Suppressed bool

	// Changed is called after each change of state but the one to busy, which
	// the caller of Invoke makes itself. It must not block.
	Changed func(State)
	Sink    telemetry.Sink
	Logger  *slog.Logger
}

// Invocation is one event, as the runtime gets it.
type Invocation struct {
	RequestID     string
	InvokedARN    string
	TraceID       string
	Tenant        function.TenantID
	ClientContext []byte // JSON; nil if there is none
	Payload       []byte // JSON

	// Waited says that the invocation has waited for the environment's init.
	Waited bool

	// Stream says that the caller takes a streamed response as it comes. Without
	// it a streamed response is collected, and Lambda's limit for it holds.
	Stream bool
}

// Answer is what came back: the function's response, or its error.
type Answer struct {
	Payload       []byte // whole, unless Stream is set
	FunctionError bool

	// Stream is the response of a function that is still writing it; only if the
	// invocation asked for it. Whoever gets one reads it to its end, or closes it.
	Stream      *Stream
	ContentType string // of the stream, as the runtime gave it

	done     chan struct{}
	report   telemetry.Report
	produced int // bytes of the response
	tail     tail
}

// Done is closed when the invocation has ended, which may be later than its
// answer: then the report and the tail of the log are there.
func (a *Answer) Done() <-chan struct{} { return a.done }

// Report is valid when Done is closed.
func (a *Answer) Report() telemetry.Report { return a.report }

// Tail is the last 4 KB of the invocation's log; valid when Done is closed.
func (a *Answer) Tail() []byte { return a.tail.bytes() }

// Errors of Invoke. Neither has touched the environment.
var (
	// ErrNotIdle: the environment serves another invocation, or has ended.
	ErrNotIdle = errors.New("the environment is not idle")
	// ErrTenant: the environment belongs to another tenant.
	ErrTenant = errors.New("the environment belongs to another tenant")
)

// Environment is one execution environment. Make one with [New], give it a
// goroutine with [Environment.Run]. Its methods are safe for concurrent use.
type Environment struct {
	cfg    Config
	ready  chan struct{} // closed when the init has ended, well or badly
	ending chan struct{} // closed when the environment is to end
	gone   chan struct{} // closed when it is dead
	work   chan *call    // holds the invocation that the runtime has not fetched yet
	out    *output

	freezing sync.Mutex // held while the process is frozen or thawed
	frozen   bool       // guarded by freezing

	log journal // touched only by the goroutine that reads the output, or after it

	mu         sync.Mutex
	state      State
	bound      bool
	tenant     function.TenantID
	current    *call
	asked      bool          // the runtime waits for an event
	extensions []*extension  // in the order of their registration
	served     int           // invocations handed over
	took       time.Duration // of the init
	process    *sandbox.Process
	fault      *fault   // why the init failed
	verdict    *failure // why the environment must end, if an extension said so
}

// fault is a failed init: the function's, reported by it or seen by the
// platform, or the machine's.
type fault struct {
	reported []byte // the runtime's own body of init/error, or nil
	failure  failure
	machine  error // not the function's fault
}

// New returns an environment that [Environment.Run] will start.
func New(cfg Config) *Environment {
	if cfg.InitTimeout == 0 {
		cfg.InitTimeout = InitTimeout
	}
	e := &Environment{
		cfg:    cfg,
		ready:  make(chan struct{}),
		ending: make(chan struct{}),
		gone:   make(chan struct{}),
		work:   make(chan *call, 1),
		state:  Starting,
	}
	e.log = newJournal(cfg)
	return e
}

// ID is the name given in [Config].
func (e *Environment) ID() string { return e.cfg.ID }

// Ready is closed when the init has ended, well or badly.
func (e *Environment) Ready() <-chan struct{} { return e.ready }

// State is where the environment stands at this moment.
func (e *Environment) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// PID is the process to look for on this machine; 0 before it runs.
func (e *Environment) PID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.process == nil {
		return 0
	}
	return e.process.PID
}

// InitFailed reports whether the init has ended badly. Err is set when that was
// the machine's fault and not the function's.
func (e *Environment) InitFailed() (failed bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fault == nil {
		return false, nil
	}
	return true, e.fault.machine
}

// End makes the environment end; Run returns when it has. An invocation that is
// under way is answered with a failure.
func (e *Environment) End() { e.move(ending) }

// Run starts the environment and returns when nothing of it is left: because
// its process ended, because it was told to [Environment.End], or because ctx
// did. It owns every goroutine of the environment.
func (e *Environment) Run(ctx context.Context) {
	defer func() {
		e.move(ended)
		close(e.gone)
	}()
	begin := time.Now()
	process, err := e.cfg.Driver.Start(ctx, e.spec(begin))
	if err != nil {
		e.out = newOutput(e.log.line, func([]byte) error { return err })
		e.out.read(eof{})
		e.startFailed(err, time.Since(begin))
		return
	}

	e.mu.Lock()
	e.process = process
	e.mu.Unlock()
	e.out = newOutput(e.log.line, process.Mark)
	e.move(started)

	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { e.out.read(process.Output) })
	e.out.after(func() { e.log.platform(e.log.lines.InitStart(begin, runtimeVersion)) })
	server := e.runtimeServer(begin)
	wg.Go(func() { _ = server.Serve(process.RuntimeAPI) }) // ends by Close, below
	exited := make(chan sandbox.Exit, 1)
	wg.Go(func() { exited <- process.Wait() })

	var exit *sandbox.Exit
	initTimer := time.NewTimer(e.cfg.InitTimeout)
	defer initTimer.Stop()
	for exit == nil && !e.stopping() {
		select {
		case x := <-exited:
			exit = &x
		case <-e.ending:
		case <-ctx.Done():
			e.move(ending)
		case <-initTimer.C:
			e.initTimedOut()
		}
	}

	if exit == nil {
		e.shutDown(process, exited)
	}
	e.settle(e.cause(exit), time.Since(begin))
	_ = server.Close()
	e.note("sandbox not released", process.Release())
}

// shutDown ends the process: at once, unless an extension is registered. Then the
// process gets SIGTERM, and its time. Source: AWS Lambda developer guide,
// lambda-runtime-environment.
func (e *Environment) shutDown(process *sandbox.Process, exited <-chan sandbox.Exit) {
	e.thaw() // a frozen process hears no signal
	e.mu.Lock()
	graceful := len(e.extensions) > 0
	e.mu.Unlock()
	if graceful {
		e.note("environment not terminated", process.Terminate())
		patience := time.NewTimer(shutdownBudget)
		defer patience.Stop()
		select {
		case <-exited:
			return
		case <-patience.C:
		}
	}
	e.note("environment not killed", process.Kill())
	<-exited
}

// cause is why the environment ends: by its process's own exit, unless exit is nil.
func (e *Environment) cause(exit *sandbox.Exit) failure {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.verdict != nil:
		return *e.verdict
	case exit != nil:
		return exitFailure(*exit)
	}
	return failure{sandboxFailure, "The environment was ended"}
}

// note logs an error that nobody else hears of.
func (e *Environment) note(message string, err error) {
	if err != nil {
		e.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, message,
			slog.String("environment", e.cfg.ID), slog.Any("error", err))
	}
}

// runtimeVersion stands where Lambda names the version of its runtime.
const runtimeVersion = "berth"

// spec is what the driver needs to know.
func (e *Environment) spec(now time.Time) sandbox.Spec {
	v := e.cfg.Version
	return sandbox.Spec{
		ID:       e.cfg.ID,
		Command:  []string{"/var/task/bootstrap"},
		TaskDir:  v.CodeDir,
		Env:      variables(v, e.cfg.Region, logStream(now, v, e.cfg.ID), e.cfg.Credentials),
		MemoryMB: v.MemoryMB,
		TmpMB:    v.EphemeralStorageMB,
		Network:  e.cfg.Network,
	}
}

// Invoke hands inv to the environment and returns with the answer, which is the
// function's response, its error, or the failure of the environment. If ctx ends
// first, the error is its cause, and the invocation goes on without a listener.
//
// The first invocation binds the environment to its tenant for good. If the init
// has failed for the function's fault, that is the answer.
func (e *Environment) Invoke(ctx context.Context, inv Invocation) (*Answer, error) {
	c := newCall(inv)
	e.mu.Lock()
	if e.bound && e.tenant != inv.Tenant {
		e.mu.Unlock()
		return nil, fmt.Errorf("environment %s: %w", e.cfg.ID, ErrTenant)
	}
	if e.served == 0 && e.fault != nil && e.fault.machine == nil {
		f := *e.fault
		e.bind(c)
		e.mu.Unlock()
		return e.answerFault(c, f), nil
	}
	if _, err := e.state.on(invoked); err != nil {
		e.mu.Unlock()
		return nil, fmt.Errorf("environment %s: %w: %w", e.cfg.ID, ErrNotIdle, err)
	}
	e.state = Busy
	e.bind(c)
	e.current, e.asked = c, false
	c.begin = time.Now()
	e.tell(c)
	c.timer = time.AfterFunc(e.cfg.Version.Timeout, func() { e.timedOut(c) })
	e.mu.Unlock()

	e.thaw()
	e.out.after(func() { e.log.begin(c) })
	e.work <- c // has room: only one call is current

	select {
	case <-c.answered:
		return &c.answer, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// bind makes c the environment's next invocation. The caller holds e.mu.
func (e *Environment) bind(c *call) {
	e.bound, e.tenant = true, c.inv.Tenant
	c.cold = e.served == 0
	e.served++
}

// answerFault answers an invocation whose environment did not get through init.
func (e *Environment) answerFault(c *call, f fault) *Answer {
	c.begin = time.Now()
	payload := f.reported
	if payload == nil {
		payload = f.failure.payload(c.inv.RequestID)
	}
	c.respond(payload, true)
	c.ended = true
	c.status, c.errorType = telemetry.Failed, f.failure.errorType
	if f.failure.errorType == timedOut {
		c.status = telemetry.Timeout
	}
	e.out.after(func() { e.log.begin(c) })
	e.finish(c)
	return &c.answer
}

// move makes a step that is always allowed, or leaves the state as it is.
func (e *Environment) move(s step) {
	e.mu.Lock()
	before := e.state
	e.state, _ = e.state.on(s)
	after := e.state
	if before != Draining && after == Draining {
		close(e.ending)
	}
	e.mu.Unlock()
	if before != after {
		e.cfg.Changed(after)
	}
}

// stopping reports whether the environment is on its way out.
func (e *Environment) stopping() bool {
	select {
	case <-e.ending:
		return true
	default:
		return false
	}
}

// startFailed ends an environment that never had a process.
func (e *Environment) startFailed(err error, took time.Duration) {
	f := &fault{failure: entrypointFailure()}
	if !isStartError(err) {
		f.machine = fmt.Errorf("start environment %s: %w", e.cfg.ID, err)
	}
	e.initFailed(f, telemetry.Failed, took)
	e.move(ending)
}

func isStartError(err error) bool {
	var s *sandbox.StartError
	return errors.As(err, &s)
}

// initTimedOut ends an environment whose init takes too long.
func (e *Environment) initTimedOut() {
	e.mu.Lock()
	late := e.state == Init
	e.mu.Unlock()
	if late {
		e.initFailed(&fault{failure: timeoutFailure(e.cfg.InitTimeout)}, telemetry.Timeout, e.cfg.InitTimeout)
		e.move(ending)
	}
}

// initFailed notes why the init failed, unless that is known already, and lets
// the waiting invocation go on.
func (e *Environment) initFailed(f *fault, status telemetry.Status, took time.Duration) {
	e.mu.Lock()
	select {
	case <-e.ready: // the init ended before
		e.mu.Unlock()
		return
	default:
	}
	if e.fault == nil { // else the runtime has said itself what went wrong
		e.fault = f
	}
	errorType := e.fault.failure.errorType
	close(e.ready)
	e.mu.Unlock()

	phase := "init"
	if e.cfg.Suppressed {
		phase = "invoke"
	}
	if status == telemetry.Timeout {
		errorType = ""
	}
	now := time.Now()
	e.out.after(func() { e.log.platform(e.log.lines.InitReport(now, phase, took, status, errorType)) })
}

// settle ends what was under way when the process ended: the init, or an
// invocation.
func (e *Environment) settle(f failure, took time.Duration) {
	e.move(ending)
	e.initFailed(&fault{failure: f}, telemetry.Failed, took)

	e.mu.Lock()
	c := e.current
	e.current = nil
	if c != nil {
		unfinished := c.streaming || !c.hasAnswer()
		c.respond(f.payload(c.inv.RequestID), true)
		if unfinished && c.status == telemetry.Success {
			c.status, c.errorType = telemetry.Failed, f.errorType
		}
		c.ended = true
	}
	e.mu.Unlock()
	if c != nil {
		e.finish(c)
	}
}

// timedOut ends the environment because c has used up its time.
func (e *Environment) timedOut(c *call) {
	e.mu.Lock()
	if e.current != c {
		e.mu.Unlock()
		return
	}
	f := timeoutFailure(e.cfg.Version.Timeout)
	c.respond(f.payload(c.inv.RequestID), true)
	c.status, c.errorType = telemetry.Timeout, f.errorType
	e.mu.Unlock()
	e.move(ending)
}

// finish closes the log and the report of c, behind the last line that the
// function wrote for it.
func (e *Environment) finish(c *call) {
	if c.timer != nil {
		c.timer.Stop()
	}
	now := time.Now()
	e.mu.Lock()
	took, process := e.took, e.process
	e.mu.Unlock()
	e.out.after(func() { e.log.end(c, now, took, process) })
}

func (e *Environment) runtimeServer(begin time.Time) *http.Server {
	return &http.Server{
		Handler:  &runtimeAPI{env: e, begin: begin},
		ErrorLog: slog.NewLogLogger(e.cfg.Logger.Handler(), slog.LevelDebug),
	}
}
