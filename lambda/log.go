package lambda

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
)

// The levels that Lambda has beside those of slog.
// Source: AWS Lambda developer guide, monitoring-cloudwatchlogs-log-level.
const (
	LevelTrace slog.Level = -8 // the headers of each invocation are logged at this level
	LevelFatal slog.Level = 12
)

// The keys of a log line that Lambda knows.
const (
	keyRequestID = "requestId"
	keyTenantID  = "tenantId"
)

// LogOptions are the choices of [NewLogHandler].
type LogOptions struct {
	// JSON writes objects with timestamp, level and message, as Lambda's JSON
	// log format wants them. Otherwise lines are key=value.
	JSON bool
	// Level is the least that is written; nil means INFO.
	Level slog.Leveler
	// AddSource adds the file and line of each call.
	AddSource bool
}

// LogOptionsFromEnv are the choices that the function's logging configuration
// makes, in AWS_LAMBDA_LOG_FORMAT and AWS_LAMBDA_LOG_LEVEL.
// Source: AWS Lambda developer guide, monitoring-cloudwatchlogs-advanced.
func LogOptionsFromEnv() LogOptions { return logOptions(os.Getenv) }

func logOptions(getenv func(string) string) LogOptions {
	return LogOptions{
		JSON:  getenv("AWS_LAMBDA_LOG_FORMAT") == "JSON",
		Level: parseLevel(getenv("AWS_LAMBDA_LOG_LEVEL")),
	}
}

func parseLevel(name string) slog.Level {
	switch strings.ToUpper(name) {
	case "TRACE":
		return LevelTrace
	case "DEBUG":
		return slog.LevelDebug
	case "WARN":
		return slog.LevelWarn
	case "ERROR":
		return slog.LevelError
	case "FATAL":
		return LevelFatal
	}
	return slog.LevelInfo
}

// NewLogHandler returns the handler that [Start] gives to slog's default logger:
// a line that is logged with a handler's context carries requestId, and tenantId
// if there is one, outside of all groups.
func NewLogHandler(w io.Writer, opts LogOptions) slog.Handler {
	level := opts.Level
	if level == nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level, AddSource: opts.AddSource, ReplaceAttr: renameLevel}
	if opts.JSON {
		o.ReplaceAttr = renameForLambda
		return WithInvocation(slog.NewJSONHandler(w, o))
	}
	return WithInvocation(slog.NewTextHandler(w, o))
}

// renameLevel writes the levels as Lambda does.
func renameLevel(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.LevelKey {
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(levelName(level))
		}
	}
	return a
}

// renameForLambda names slog's own attributes as Lambda does.
// Source: AWS Lambda developer guide, monitoring-cloudwatchlogs-logformat.
func renameForLambda(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		if a.Value.Kind() == slog.KindTime {
			a.Key = "timestamp"
		}
	case slog.MessageKey:
		a.Key = "message"
	case slog.LevelKey:
		return renameLevel(groups, a)
	}
	return a
}

// levelName is the name of the highest of Lambda's levels that level reaches: a
// name that Lambda doesn't know counts as INFO.
func levelName(level slog.Level) string {
	switch {
	case level < slog.LevelDebug:
		return "TRACE"
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelWarn:
		return "INFO"
	case level < slog.LevelError:
		return "WARN"
	case level < LevelFatal:
		return "ERROR"
	}
	return "FATAL"
}

// WithInvocation wraps a handler so that requestId and tenantId are added to
// what is logged with an invocation's context, outside of all groups.
func WithInvocation(h slog.Handler) slog.Handler { return &logHandler{outer: h, inner: h} }

// logHandler adds attributes beside the groups that a logger has opened. slog
// can only add inside, so behind an open group the line's handler is built anew:
// outer with the invocation's attributes, then all that came since.
type logHandler struct {
	outer slog.Handler // before the first group
	inner slog.Handler // after all
	since []func(slog.Handler) slog.Handler
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	inv, ok := FromContext(ctx)
	if !ok {
		return h.inner.Handle(ctx, r)
	}
	if len(h.since) == 0 {
		r.AddAttrs(slog.String(keyRequestID, inv.RequestID))
		if inv.TenantID != "" {
			r.AddAttrs(slog.String(keyTenantID, inv.TenantID))
		}
		return h.inner.Handle(ctx, r)
	}
	attrs := []slog.Attr{slog.String(keyRequestID, inv.RequestID)}
	if inv.TenantID != "" {
		attrs = append(attrs, slog.String(keyTenantID, inv.TenantID))
	}
	line := h.outer.WithAttrs(attrs)
	for _, again := range h.since {
		line = again(line)
	}
	return line.Handle(ctx, r)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(h.since) == 0 {
		inner := h.inner.WithAttrs(attrs)
		return &logHandler{outer: inner, inner: inner}
	}
	return h.with(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *logHandler) with(step func(slog.Handler) slog.Handler) slog.Handler {
	return &logHandler{
		outer: h.outer,
		inner: step(h.inner),
		since: append(h.since[:len(h.since):len(h.since)], step),
	}
}
