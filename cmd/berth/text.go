package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/platform"
	"github.com/berthdev/berth/internal/telemetry"
	"github.com/berthdev/berth/internal/template"
)

// text shows a person what a platform does. It writes whole lines only, and one
// at a time.
type text struct {
	mu     sync.Mutex
	w      io.Writer
	colour bool
}

func newText(w io.Writer, colour bool) *text { return &text{w: w, colour: colour} }

// isTerminal reports whether somebody looks at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// The colours, as ANSI's "select graphic rendition" has them.
const (
	plain  = ""
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (t *text) paint(colour, s string) string {
	if !t.colour || colour == plain {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

func (t *text) print(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.w, format+"\n", args...)
}

func (t *text) Noticed(n template.Notice) {
	t.print("%s %s", t.paint(yellow, "not supported:"), n)
}

func (t *text) Building(function, dir string) {
	t.print("building %s from %s", t.paint(bold, function), dir)
}

func (t *text) Built(function string, took time.Duration) {
	t.print("built    %s in %s", t.paint(bold, function), took.Round(time.Millisecond))
}

func (t *text) Reloaded(function string, took time.Duration) {
	t.print("reloaded %s in %s", t.paint(bold, function), took.Round(time.Millisecond))
}

func (t *text) Failed(err error) {
	var b strings.Builder
	report(&b, err)
	t.print("%s%s", b.String(), t.paint(red, "not reloaded; what ran before goes on serving"))
}

func (t *text) Ready(s platform.Summary) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nisolation: %s. %s\n", t.paint(bold, s.Isolation), s.Promise)
	for _, missed := range s.Stronger {
		fmt.Fprintf(&b, "  %s %s (berth doctor says what would help)\n", t.paint(yellow, "not to be had here:"), missed)
	}
	for _, gap := range s.NotWalled {
		fmt.Fprintf(&b, "  %s %s\n", t.paint(yellow, "not stopped:"), gap)
	}
	fmt.Fprintf(&b, "network:   %s\n", s.Network)
	if len(s.Routes) > 0 {
		b.WriteString("\nTry:\n")
	}
	for _, r := range s.Routes {
		var words []string
		if r.ExampleMethod != "GET" {
			words = append(words, "-X "+r.ExampleMethod)
		}
		for _, h := range r.Headers {
			words = append(words, "-H '"+h+"'")
		}
		words = append(words, "'"+r.ExampleURL+"'")
		fmt.Fprintf(&b, "  curl %s  %s\n", strings.Join(words, " "), t.paint(dim, "# "+r.Method+" "+r.Path+" → "+r.Function))
	}
	fmt.Fprintf(&b, "\nLambda's API: %s  %s\n", t.paint(bold, s.Service), t.paint(dim, "# for AWS SDKs, the AWS CLI and berth invoke"))
	b.WriteString("Ctrl-C ends it.\n")
	t.print("%s", b.String())
}

// Log shows what functions print. The platform's own lines are in Report.
func (t *text) Log(r telemetry.Record) {
	if r.Origin == telemetry.Function {
		t.print("%s %s", t.paint(dim, r.Time.Format(time.TimeOnly)+"  "+who(r.Source)+" |"), printable(r.Line))
	}
}

// Report shows one invocation: function, tenant, environment, cold or warm, time
// and memory.
func (t *text) Report(r telemetry.Report) {
	warmth := t.paint(green, "warm")
	if r.Cold() {
		warmth = t.paint(yellow, "cold")
	}
	memory := "memory not measured"
	if r.PeakBytes > 0 {
		memory = fmt.Sprintf("%d of %d MB", r.PeakMB(), r.MemoryMB)
	}
	line := fmt.Sprintf("%s  %s  env %s  %s  %s  %s", r.Start.Format(time.TimeOnly),
		t.paint(bold, who(r.Source)), short(r.Environment), warmth, milliseconds(r.Elapsed()), memory)
	if r.Status != telemetry.Success {
		line += "  " + t.paint(red, string(r.Status)+": "+r.ErrorType)
	}
	t.print("%s", line)
}

// who is the function and, if there is one, the tenant.
func who(s telemetry.Source) string {
	if s.Tenant == "" {
		return s.Function
	}
	return s.Function + "  tenant " + string(s.Tenant)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// printable is a line that a function printed, without what would make the
// terminal do something: a function must not move the cursor of its host.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (r < ' ' || r == 0x7f || (0x80 <= r && r < 0xa0)) {
			return '\uFFFD'
		}
		return r
	}, s)
}

func (t *text) Stopping() { t.print("\nstopping; Ctrl-C again to stop at once") }
func (t *text) Stopped()  { t.print("stopped") }
