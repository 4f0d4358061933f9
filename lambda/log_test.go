package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

func tenantContext() context.Context {
	return NewContext(context.Background(), &Invocation{RequestID: "r-1", TenantID: "alice"})
}

func TestLogLines(t *testing.T) {
	for _, tt := range []struct {
		name string
		ctx  context.Context
		log  func(context.Context, *slog.Logger)
		text string
		json string
	}{
		{"a line of an invocation", tenantContext(),
			func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "order", "id", 7) },
			`level=INFO msg=order id=7 requestId=r-1 tenantId=alice`,
			`"level":"INFO","message":"order","id":7,"requestId":"r-1","tenantId":"alice"}`},
		{"a line without a tenant", NewContext(context.Background(), &Invocation{RequestID: "r-1"}),
			func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "order") },
			`level=INFO msg=order requestId=r-1`,
			`"level":"INFO","message":"order","requestId":"r-1"}`},
		{"a line of no invocation", context.Background(),
			func(ctx context.Context, l *slog.Logger) { l.Warn("order") },
			`level=WARN msg=order`,
			`"level":"WARN","message":"order"}`},
		{"inside groups", tenantContext(),
			func(ctx context.Context, l *slog.Logger) {
				l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").InfoContext(ctx, "order", "c", 3)
			},
			`level=INFO msg=order a=1 requestId=r-1 tenantId=alice g.b=2 g.h.c=3`,
			`"level":"INFO","message":"order","a":1,"requestId":"r-1","tenantId":"alice","g":{"b":2,"h":{"c":3}}}`},
		{"attributes called as slog's own", context.Background(),
			func(ctx context.Context, l *slog.Logger) {
				l.WithGroup("g").Info("order", "msg", "x", "level", "y", "time", "z")
			},
			`level=INFO msg=order g.msg=x g.level=y g.time=z`,
			`"level":"INFO","message":"order","g":{"msg":"x","level":"y","time":"z"}}`},
		{"TRACE", context.Background(),
			func(ctx context.Context, l *slog.Logger) { l.Log(ctx, LevelTrace, "x") },
			`level=TRACE msg=x`, `"level":"TRACE","message":"x"}`},
		{"FATAL", context.Background(),
			func(ctx context.Context, l *slog.Logger) { l.Log(ctx, LevelFatal, "x") },
			`level=FATAL msg=x`, `"level":"FATAL","message":"x"}`},
		{"a level that Lambda doesn't know", context.Background(),
			func(ctx context.Context, l *slog.Logger) { l.Log(ctx, slog.LevelInfo+2, "x") },
			`level=INFO msg=x`, `"level":"INFO","message":"x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var text, js bytes.Buffer
			tt.log(tt.ctx, slog.New(NewLogHandler(&text, LogOptions{Level: LevelTrace})))
			tt.log(tt.ctx, slog.New(NewLogHandler(&js, LogOptions{Level: LevelTrace, JSON: true})))
			if got := text.String(); !strings.HasPrefix(got, "time=") || !strings.HasSuffix(got, " "+tt.text+"\n") {
				t.Errorf("text: %s", got)
			}
			if got := js.String(); !strings.HasPrefix(got, `{"timestamp":"`) || !strings.HasSuffix(got, `,`+tt.json+"\n") {
				t.Errorf("JSON: %s", got)
			}
		})
	}
}

// Lambda replaces a timestamp that isn't RFC 3339.
func TestLogTimestamp(t *testing.T) {
	var b bytes.Buffer
	slog.New(NewLogHandler(&b, LogOptions{JSON: true})).Info("x")
	var line struct{ Timestamp string }
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339Nano, line.Timestamp); err != nil {
		t.Error(err)
	}
}

func TestLogSource(t *testing.T) {
	var b bytes.Buffer
	slog.New(NewLogHandler(&b, LogOptions{AddSource: true})).Info("x")
	if !strings.Contains(b.String(), "log_test.go:") {
		t.Errorf("no source: %s", b.String())
	}
}

func TestLogConfiguration(t *testing.T) {
	for _, tt := range []struct {
		format, level string
		json          bool
		want          slog.Level
	}{
		{"", "", false, slog.LevelInfo},
		{"Text", "", false, slog.LevelInfo},
		{"TEXT", "ERROR", false, slog.LevelError},
		{"JSON", "TRACE", true, LevelTrace},
		{"JSON", "DEBUG", true, slog.LevelDebug},
		{"JSON", "INFO", true, slog.LevelInfo},
		{"JSON", "warn", true, slog.LevelWarn},
		{"JSON", "FATAL", true, LevelFatal},
		{"JSON", "LOUD", true, slog.LevelInfo},
	} {
		env := map[string]string{"AWS_LAMBDA_LOG_FORMAT": tt.format, "AWS_LAMBDA_LOG_LEVEL": tt.level}
		got := logOptions(func(key string) string { return env[key] })
		if got.JSON != tt.json || got.Level.Level() != tt.want {
			t.Errorf("%s %s: JSON %v, level %v", tt.format, tt.level, got.JSON, got.Level)
		}
	}
}

// WithInvocation must leave a handler as correct as it was.
func TestWithInvocationKeepsSlogsRules(t *testing.T) {
	var b bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		b.Reset()
		return WithInvocation(slog.NewJSONHandler(&b, nil))
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal(b.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return line
	})
}

func TestTraceLevelShowsTheHeaders(t *testing.T) {
	p := newPlatform(t)
	p.start(Bytes(echo))
	c := p.accept()
	c.invoke("r-1", `{"secret":1}`, "Lambda-Runtime-Aws-Tenant-Id: alice", "X-New: yes")
	c.answer("r-1")
	c.expect("GET /2018-06-01/runtime/invocation/next")
	want := regexp.MustCompile(`level=TRACE msg=invocation headers.Lambda-Runtime-Aws-Request-Id=r-1 .*headers.Lambda-Runtime-Aws-Tenant-Id=alice headers.X-New=yes requestId=r-1 tenantId=alice\n`)
	if log := p.log.String(); !want.MatchString(log) || strings.Contains(log, "secret") {
		t.Errorf("logged %s", log)
	}
}

// A line costs one allocation at most, and slog has more for what a caller gives
// it: here the caller gives nothing that has to be boxed.
func TestLogLineAllocations(t *testing.T) {
	for _, options := range []LogOptions{{}, {JSON: true}} {
		l := slog.New(NewLogHandler(io.Discard, options))
		ctx := tenantContext()
		if n := testing.AllocsPerRun(100, func() {
			l.LogAttrs(ctx, slog.LevelInfo, "order", slog.String("id", "7"), slog.Int("count", 3))
		}); n > 1 {
			t.Errorf("JSON %v: %v allocations a line", options.JSON, n)
		}
	}
}

func BenchmarkLogLine(b *testing.B) {
	for name, options := range map[string]LogOptions{"text": {}, "json": {JSON: true}} {
		b.Run(name, func(b *testing.B) {
			l := slog.New(NewLogHandler(io.Discard, options))
			ctx := tenantContext()
			b.ReportAllocs()
			for b.Loop() {
				l.LogAttrs(ctx, slog.LevelInfo, "order", slog.String("id", "7"), slog.Int("count", 3))
			}
		})
	}
}
