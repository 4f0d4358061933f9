package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/platform"
	"github.com/berthdev/berth/internal/telemetry"
	"github.com/berthdev/berth/internal/template"
)

// lines tells a program what a platform does: one JSON object a line, each with
// an "event" that says what the other fields are.
type lines struct {
	mu  sync.Mutex
	out *json.Encoder
}

func newLines(w io.Writer) *lines {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return &lines{out: out}
}

func (l *lines) print(v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.out.Encode(v) // a reader that has left is told nothing more
}

func (l *lines) Noticed(n template.Notice) {
	l.print(struct {
		Event  string `json:"event"`
		File   string `json:"file"`
		Line   int    `json:"line"`
		Column int    `json:"column"`
		Text   string `json:"text"`
	}{"notice", n.File, n.Line, n.Column, n.String()})
}

func (l *lines) Building(function, dir string) {
	l.print(struct {
		Event    string `json:"event"`
		Function string `json:"function"`
		Dir      string `json:"dir"`
	}{"building", function, dir})
}

func (l *lines) Built(function string, took time.Duration) {
	l.print(struct {
		Event    string  `json:"event"`
		Function string  `json:"function"`
		TookMs   float64 `json:"tookMs"`
	}{"built", function, inMs(took)})
}

func (l *lines) Reloaded(function string, took time.Duration) {
	l.print(struct {
		Event    string  `json:"event"`
		Function string  `json:"function"`
		TookMs   float64 `json:"tookMs"`
	}{"reloaded", function, inMs(took)})
}

func (l *lines) Failed(err error) {
	l.print(struct {
		Event string `json:"event"`
		Text  string `json:"text"`
	}{"failed", err.Error()})
}

func (l *lines) Ready(s platform.Summary) {
	l.print(struct {
		Event string `json:"event"`
		platform.Summary
	}{"ready", s})
}

func (l *lines) Log(r telemetry.Record) {
	l.print(struct {
		Event       string    `json:"event"`
		Time        time.Time `json:"time"`
		Origin      string    `json:"origin"`
		Function    string    `json:"function"`
		Version     string    `json:"version"`
		Tenant      string    `json:"tenantId,omitempty"`
		Environment string    `json:"environment"`
		RequestID   string    `json:"requestId,omitempty"`
		Line        string    `json:"line"`
	}{"log", r.Time, string(r.Origin), r.Function, r.Version, string(r.Tenant), r.Environment, r.RequestID, r.Line})
}

func (l *lines) Report(r telemetry.Report) {
	l.print(struct {
		Event       string    `json:"event"`
		Time        time.Time `json:"time"`
		Function    string    `json:"function"`
		Version     string    `json:"version"`
		Tenant      string    `json:"tenantId,omitempty"`
		Environment string    `json:"environment"`
		RequestID   string    `json:"requestId"`
		Cold        bool      `json:"cold"`
		DurationMs  float64   `json:"durationMs"`
		InitMs      float64   `json:"initMs,omitempty"`
		BilledMs    int64     `json:"billedMs"`
		PeakBytes   int64     `json:"peakBytes,omitempty"`
		MemoryMB    int       `json:"memoryMB"`
		Status      string    `json:"status"`
		ErrorType   string    `json:"errorType,omitempty"`
	}{"invocation", r.Start, r.Function, r.Version, string(r.Tenant), r.Environment, r.RequestID, r.Cold(),
		inMs(r.Duration), inMs(r.Init), r.Billed().Milliseconds(), r.PeakBytes, r.MemoryMB, string(r.Status), r.ErrorType})
}

func (l *lines) Stopping() { l.event("stopping") }
func (l *lines) Stopped()  { l.event("stopped") }

func (l *lines) event(name string) {
	l.print(struct {
		Event string `json:"event"`
	}{name})
}

func inMs(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
