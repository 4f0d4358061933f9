package telemetry

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/function"
)

// Lines writes the platform's own log lines for one environment, in the format
// that the function's LoggingConfig asks for.
// Source: AWS Lambda developer guide, monitoring-cloudwatchlogs-logformat.
type Lines struct {
	logging function.Logging
	source  Source
}

// NewLines returns the lines of the environment that source names.
func NewLines(logging function.Logging, source Source) Lines {
	return Lines{logging: logging, source: source}
}

// Each method returns the line, or "" where Lambda writes none at the
// function's system log level.

// InitStart opens a log stream.
func (l Lines) InitStart(now time.Time, runtime string) string {
	if !l.logging.JSON() {
		return "INIT_START Runtime Version: " + runtime
	}
	return l.event(now, info, "platform.initStart", initStart{
		InitializationType: "on-demand", Phase: "init", RuntimeVersion: runtime,
		FunctionName: l.source.Function, FunctionVersion: l.source.Version, InstanceID: l.source.Environment,
	})
}

// InitReport tells of an init that failed; errorType is "" for a timeout.
func (l Lines) InitReport(now time.Time, phase string, took time.Duration, status Status, errorType string) string {
	if !l.logging.JSON() {
		line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", ms(took), phase, status)
		if errorType != "" {
			line += "\tError Type: " + errorType
		}
		return line
	}
	return l.event(now, warn, "platform.initReport", initReport{
		InitializationType: "on-demand", Phase: phase, Status: status, ErrorType: errorType,
		Metrics: initMetrics{Duration: ms(took)},
	})
}

// Start opens an invocation.
func (l Lines) Start(now time.Time, requestID, arn string) string {
	if !l.logging.JSON() {
		return "START RequestId: " + requestID + " Version: " + l.source.Version
	}
	return l.event(now, info, "platform.start", start{
		RequestID: requestID, Version: l.source.Version, FunctionARN: arn, TenantID: l.source.Tenant,
	})
}

// End closes an invocation's output. It has no JSON form.
func (l Lines) End(requestID string) string {
	if l.logging.JSON() {
		return ""
	}
	return "END RequestId: " + requestID
}

// RuntimeDone tells that the runtime has finished an invocation. It has no text form.
func (l Lines) RuntimeDone(now time.Time, r *Report) string {
	if !l.logging.JSON() {
		return ""
	}
	return l.event(now, severity(r.Status, debug), "platform.runtimeDone", runtimeDone{
		RequestID: r.RequestID, Status: r.Status, ErrorType: r.ErrorType, TenantID: r.Tenant,
		Metrics: runtimeMetrics{Duration: ms(r.Duration), ProducedBytes: r.Produced},
	})
}

// Report gives the figures of an invocation.
func (l Lines) Report(now time.Time, r *Report) string {
	if l.logging.JSON() {
		return l.event(now, severity(r.Status, info), "platform.report", report{
			RequestID: r.RequestID, Status: r.Status, ErrorType: r.ErrorType, TenantID: r.Tenant,
			Metrics: reportMetrics{
				Duration: ms(r.Duration), Billed: r.Billed().Milliseconds(),
				MemorySizeMB: r.MemoryMB, MaxMemoryUsedMB: r.PeakMB(), InitDuration: ms(r.Init),
			},
		})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\t",
		r.RequestID, ms(r.Duration), r.Billed().Milliseconds(), r.MemoryMB)
	if r.PeakBytes > 0 { // measured or left out: Berth invents no figure
		fmt.Fprintf(&b, "Max Memory Used: %d MB\t", r.PeakMB())
	}
	if r.Init > 0 {
		fmt.Fprintf(&b, "Init Duration: %.2f ms\t", ms(r.Init))
	}
	switch {
	case r.Status == Timeout:
		b.WriteString("Status: timeout")
	case r.Status != Success && r.Ended: // an error that the function reports itself leaves no mark
		fmt.Fprintf(&b, "Status: %s\tError Type: %s", r.Status, r.ErrorType)
	}
	return b.String()
}

// The shapes of platform events, their fields in Lambda's order.
// Source: AWS Lambda developer guide, telemetry-schema-reference.
type (
	initStart struct {
		InitializationType string `json:"initializationType"`
		Phase              string `json:"phase"`
		RuntimeVersion     string `json:"runtimeVersion,omitempty"`
		FunctionName       string `json:"functionName"`
		FunctionVersion    string `json:"functionVersion"`
		InstanceID         string `json:"instanceId"`
	}
	initMetrics struct {
		Duration float64 `json:"durationMs"`
	}
	initReport struct {
		InitializationType string      `json:"initializationType"`
		Phase              string      `json:"phase"`
		Status             Status      `json:"status"`
		ErrorType          string      `json:"errorType,omitempty"`
		Metrics            initMetrics `json:"metrics"`
	}
	start struct {
		RequestID   string            `json:"requestId"`
		Version     string            `json:"version"`
		FunctionARN string            `json:"functionArn"`
		TenantID    function.TenantID `json:"tenantId,omitempty"`
	}
	runtimeMetrics struct {
		Duration      float64 `json:"durationMs"`
		ProducedBytes int     `json:"producedBytes"`
	}
	runtimeDone struct {
		RequestID string            `json:"requestId"`
		Status    Status            `json:"status"`
		Metrics   runtimeMetrics    `json:"metrics"`
		ErrorType string            `json:"errorType,omitempty"`
		TenantID  function.TenantID `json:"tenantId,omitempty"`
	}
	reportMetrics struct {
		Duration        float64 `json:"durationMs"`
		Billed          int64   `json:"billedDurationMs"`
		MemorySizeMB    int     `json:"memorySizeMB"`
		MaxMemoryUsedMB int     `json:"maxMemoryUsedMB,omitempty"`
		InitDuration    float64 `json:"initDurationMs,omitempty"`
	}
	report struct {
		RequestID string            `json:"requestId"`
		Status    Status            `json:"status"`
		Metrics   reportMetrics     `json:"metrics"`
		ErrorType string            `json:"errorType,omitempty"`
		TenantID  function.TenantID `json:"tenantId,omitempty"`
	}
)

// event writes one platform event, unless the system log level hides it.
func (l Lines) event(now time.Time, severity level, kind string, record any) string {
	if severity < parseLevel(l.logging.SystemLevel) {
		return ""
	}
	line, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{now.UTC().Format(timeLayout), kind, record})
	if err != nil { // only strings and finite numbers are marshalled
		panic(err)
	}
	return string(line)
}

const timeLayout = "2006-01-02T15:04:05.000Z"

// ms is d in milliseconds with the two decimals that Lambda prints.
func ms(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*100) / 100
}

// severity is the level of an event whose level depends on its success.
func severity(s Status, success level) level {
	if s == Success {
		return success
	}
	return warn
}
