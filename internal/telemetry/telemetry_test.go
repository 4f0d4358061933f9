package telemetry

import (
	"testing"
	"time"

	"github.com/berthdev/berth/internal/function"
)

var at = time.Date(2025, 10, 13, 19, 48, 6, 990e6, time.UTC)

func source() Source {
	return Source{Function: "counter", Version: "$LATEST", Environment: "e1", Tenant: "alice"}
}

func done(change func(*Report)) *Report {
	r := &Report{Source: source(), RequestID: "r1", Duration: 3010 * time.Microsecond, MemoryMB: 128,
		PeakBytes: 36 << 20, Status: Success}
	change(r)
	return r
}

// The texts are those of the AWS Lambda developer guide, monitoring-cloudwatchlogs
// and lambda-runtime-environment.
func TestTextLines(t *testing.T) {
	l := NewLines(function.Logging{}, source())
	for _, tt := range []struct{ name, got, want string }{
		{"an invocation opens with its version", l.Start(at, "r1", "arn"), "START RequestId: r1 Version: $LATEST"},
		{"and ends", l.End("r1"), "END RequestId: r1"},
		{"a warm success", l.Report(at, done(func(*Report) {})),
			"REPORT RequestId: r1\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"},
		{"a cold start bills its init", l.Report(at, done(func(r *Report) {
			r.Duration, r.Init = 133610*time.Microsecond, 80*time.Millisecond
		})),
			"REPORT RequestId: r1\tDuration: 133.61 ms\tBilled Duration: 214 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 80.00 ms\t"},
		{"memory that was not measured is left out", l.Report(at, done(func(r *Report) { r.PeakBytes = 0 })),
			"REPORT RequestId: r1\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"},
		{"a timeout", l.Report(at, done(func(r *Report) { r.Status, r.ErrorType = Timeout, "Sandbox.Timedout" })),
			"REPORT RequestId: r1\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tStatus: timeout"},
		{"an exit", l.Report(at, done(func(r *Report) { r.Status, r.ErrorType, r.Ended = Failed, "Runtime.ExitError", true })),
			"REPORT RequestId: r1\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError"},
		{"the function's own error leaves no mark", l.Report(at, done(func(r *Report) { r.Status, r.ErrorType = Failed, "Runtime.Unknown" })),
			"REPORT RequestId: r1\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"},
		{"an init that failed", l.InitReport(at, "init", 1236040*time.Microsecond, Failed, "Extension.Crash"),
			"INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: error\tError Type: Extension.Crash"},
		{"an init that took too long", l.InitReport(at, "init", 1236040*time.Microsecond, Timeout, ""),
			"INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: timeout"},
		{"runtimeDone is for JSON only", l.RuntimeDone(at, done(func(*Report) {})), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, tt.got, tt.want)
		}
	}
}

// The shapes are those of the AWS Lambda developer guide,
// telemetry-schema-reference and tenant-isolation-monitor.
func TestJSONLines(t *testing.T) {
	quiet := NewLines(function.Logging{Format: "JSON"}, source())
	chatty := NewLines(function.Logging{Format: "JSON", SystemLevel: "DEBUG"}, source())
	silent := NewLines(function.Logging{Format: "JSON", SystemLevel: "WARN"}, source())
	for _, tt := range []struct{ name, got, want string }{
		{"start carries the tenant", quiet.Start(at, "r1", "arn:x"),
			`{"time":"2025-10-13T19:48:06.990Z","type":"platform.start","record":{"requestId":"r1","version":"$LATEST","functionArn":"arn:x","tenantId":"alice"}}`},
		{"end has no JSON form", quiet.End("r1"), ""},
		{"report carries the tenant", quiet.Report(at, done(func(*Report) {})),
			`{"time":"2025-10-13T19:48:06.990Z","type":"platform.report","record":{"requestId":"r1","status":"success","metrics":{"durationMs":3.01,"billedDurationMs":4,"memorySizeMB":128,"maxMemoryUsedMB":36},"tenantId":"alice"}}`},
		{"a failed report has its error type", quiet.Report(at, done(func(r *Report) { r.Status, r.ErrorType = Failed, "Runtime.ExitError" })),
			`{"time":"2025-10-13T19:48:06.990Z","type":"platform.report","record":{"requestId":"r1","status":"error","metrics":{"durationMs":3.01,"billedDurationMs":4,"memorySizeMB":128,"maxMemoryUsedMB":36},"errorType":"Runtime.ExitError","tenantId":"alice"}}`},
		{"runtimeDone is DEBUG", quiet.RuntimeDone(at, done(func(*Report) {})), ""},
		{"and shown there", chatty.RuntimeDone(at, done(func(r *Report) { r.Produced = 2 })),
			`{"time":"2025-10-13T19:48:06.990Z","type":"platform.runtimeDone","record":{"requestId":"r1","status":"success","metrics":{"durationMs":3.01,"producedBytes":2},"tenantId":"alice"}}`},
		{"WARN hides a successful report", silent.Report(at, done(func(*Report) {})), ""},
		{"WARN shows a failed init", silent.InitReport(at, "init", time.Second, Timeout, ""),
			`{"time":"2025-10-13T19:48:06.990Z","type":"platform.initReport","record":{"initializationType":"on-demand","phase":"init","status":"timeout","metrics":{"durationMs":1000}}}`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestKeeps(t *testing.T) {
	for _, tt := range []struct {
		name    string
		logging function.Logging
		line    string
		want    bool
	}{
		{"text is never filtered", function.Logging{ApplicationLevel: "FATAL"}, `{"level":"TRACE"}`, true},
		{"a line at the level", function.Logging{Format: "JSON", ApplicationLevel: "WARN"}, `{"level":"WARN"}`, true},
		{"a line below it", function.Logging{Format: "JSON", ApplicationLevel: "WARN"}, `{"level":"INFO"}`, false},
		{"the default is INFO", function.Logging{Format: "JSON"}, `{"level":"DEBUG"}`, false},
		{"a plain line counts as INFO", function.Logging{Format: "JSON", ApplicationLevel: "WARN"}, `hello`, false},
		{"an object without a level too", function.Logging{Format: "JSON"}, `{"a":1}`, true},
		{"an unknown level too", function.Logging{Format: "JSON", ApplicationLevel: "ERROR"}, `{"level":"LOUD"}`, false},
		{"TRACE keeps all", function.Logging{Format: "JSON", ApplicationLevel: "TRACE"}, `{"level":"TRACE"}`, true},
	} {
		if got := Keeps(tt.logging, []byte(tt.line)); got != tt.want {
			t.Errorf("%s: Keeps(%q) = %v, want %v", tt.name, tt.line, got, tt.want)
		}
	}
}
