// Package telemetry turns what happens in execution environments into log lines
// and figures, worded as Lambda words them.
//
// A [Record] is one line of a log stream, a [Report] the figures of one
// invocation. Package environment produces both; whoever shows or stores them
// is handed in as a [Sink]. It knows nothing of processes, HTTP or terminals.
package telemetry

import (
	"time"

	"github.com/berthdev/berth/internal/function"
)

// Origin is who wrote a record.
type Origin string

const (
	Platform Origin = "platform" // START, END, REPORT and the like
	Function Origin = "function" // stdout and stderr of the environment
)

// Source says which environment a record or a report comes from.
type Source struct {
	Function    string // its name
	Version     string // "$LATEST"
	Environment string // the environment's ID; it stands for the log stream
	Tenant      function.TenantID
}

// Record is one line of an environment's log stream.
type Record struct {
	Source
	Time      time.Time
	Origin    Origin
	RequestID string // "" outside an invocation
	Line      string // without its newline
}

// Status is how an invocation ended.
// Source: AWS Lambda developer guide, telemetry-schema-reference.
type Status string

const (
	Success Status = "success"
	Failed  Status = "error"   // the runtime reported an error, or exited
	Failure Status = "failure" // the platform's fault
	Timeout Status = "timeout"
)

// Report is what one invocation took.
type Report struct {
	Source
	RequestID string
	ARN       string // as addressed
	Start     time.Time
	Duration  time.Duration // from the event's hand-over to the runtime's next request
	Response  time.Duration // from the event's hand-over to the answer; 0 if there was none
	Init      time.Duration // of the environment, on its first invocation; else 0
	Waited    bool          // the invocation had to wait for that init
	MemoryMB  int           // the limit
	PeakBytes int64         // the most memory used; 0 when it could not be measured
	Produced  int           // bytes of the answer
	Status    Status
	ErrorType string // "Runtime.ExitError"; "" on success
	Ended     bool   // the environment ended with the invocation
	TraceID   string
}

// Cold reports whether the invocation had to wait for an init: one that adopts a
// spare has not.
func (r *Report) Cold() bool { return r.Waited }

// Elapsed is what the invocation took, with the init that it waited for.
func (r *Report) Elapsed() time.Duration {
	if r.Waited {
		return r.Init + r.Duration
	}
	return r.Duration
}

// Billed is what Lambda would bill: duration and init together, in whole
// milliseconds, rounded up. Source: AWS Lambda developer guide,
// lambda-runtime-environment.
func (r *Report) Billed() time.Duration {
	return (r.Duration + r.Init + time.Millisecond - 1).Truncate(time.Millisecond)
}

// PeakMB is the most memory used in MB, rounded up; 0 when unknown.
func (r *Report) PeakMB() int { return int((r.PeakBytes + 1<<20 - 1) >> 20) }

// Sink receives what environments have to say, in each environment's order.
// Its methods are called from many goroutines and must not block for long: an
// environment whose sink blocks has its own output held up.
type Sink interface {
	Log(Record)
	Report(Report)
}

// Discard is a sink that keeps nothing.
type Discard struct{}

func (Discard) Log(Record)    {}
func (Discard) Report(Report) {}

// Tee hands everything to each of its sinks in turn.
type Tee []Sink

func (t Tee) Log(r Record) {
	for _, s := range t {
		s.Log(r)
	}
}

func (t Tee) Report(r Report) {
	for _, s := range t {
		s.Report(r)
	}
}
