package environment

import (
	"io"
	"time"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/telemetry"
)

// journal writes the log of one environment: what its function prints, and
// Lambda's own lines in between. Only one goroutine at a time uses it, the one
// that reads the environment's output.
type journal struct {
	cfg     Config
	source  telemetry.Source
	lines   telemetry.Lines
	current *call // whose lines are being read
}

func newJournal(cfg Config) journal {
	source := telemetry.Source{Function: cfg.Version.Name, Version: cfg.Version.Number, Environment: cfg.ID}
	return journal{cfg: cfg, source: source, lines: telemetry.NewLines(cfg.Version.Logging, source)}
}

// line takes one line of the function's output.
func (j *journal) line(b []byte) {
	if telemetry.Keeps(j.cfg.Version.Logging, b) {
		j.write(telemetry.Function, string(b))
	}
}

// platform takes one of Lambda's own lines; "" is one that is not to be seen.
func (j *journal) platform(line string) {
	if line != "" {
		j.write(telemetry.Platform, line)
	}
}

func (j *journal) write(origin telemetry.Origin, line string) {
	r := telemetry.Record{Source: j.source, Time: time.Now(), Origin: origin, Line: line}
	if j.current != nil {
		r.RequestID = j.current.inv.RequestID
		j.current.answer.tail.add(line)
	}
	j.cfg.Sink.Log(r)
}

// begin opens the log of c. From here on the environment's lines are its.
func (j *journal) begin(c *call) {
	j.current = c
	j.source.Tenant = c.inv.Tenant
	j.lines = telemetry.NewLines(j.cfg.Version.Logging, j.source)
	j.platform(j.lines.Start(c.begin, c.inv.RequestID, c.inv.InvokedARN))
}

// end closes the log of c and makes its report.
func (j *journal) end(c *call, now time.Time, init time.Duration, process *sandbox.Process) {
	r := telemetry.Report{
		Source: j.source, RequestID: c.inv.RequestID, ARN: c.inv.InvokedARN, TraceID: c.inv.TraceID,
		Start: c.begin, Duration: now.Sub(c.begin), Response: c.answeredAt.Sub(c.begin),
		MemoryMB: j.cfg.Version.MemoryMB, Produced: c.answer.produced,
		Status: c.status, ErrorType: c.errorType, Ended: c.ended,
	}
	if c.cold && !j.cfg.Suppressed {
		r.Init, r.Waited = init, c.inv.Waited
	}
	if process != nil {
		if peak, ok := process.PeakMemory(); ok {
			r.PeakBytes = peak
		}
	}
	j.platform(j.lines.End(c.inv.RequestID))
	j.platform(j.lines.RuntimeDone(now, &r))
	j.platform(j.lines.Report(now, &r))
	j.current = nil
	c.answer.report = r
	j.cfg.Sink.Report(r)
	close(c.answer.done)
}

// tailBytes is how much of a log Invoke gives back.
// Source: AWS Lambda API reference, Invoke, LogType.
const tailBytes = 4 << 10

// tail keeps the end of a log.
type tail struct{ b []byte }

func (t *tail) add(line string) {
	t.b = append(append(t.b, line...), '\n')
	if len(t.b) > 4*tailBytes { // cut seldom, not at each line
		t.b = append(t.b[:0], t.b[len(t.b)-tailBytes:]...)
	}
}

func (t *tail) bytes() []byte { return t.b[max(0, len(t.b)-tailBytes):] }

// eof is the output of a process that never was.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
