package otellambda

import (
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// parseTraceHeader reads X-Ray's trace header,
// "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
// as a span of another process. ok is false when it names none.
// Source: AWS X-Ray developer guide, xray-concepts-tracingheader.
func parseTraceHeader(header string) (_ trace.SpanContext, ok bool) {
	var cfg trace.SpanContextConfig
	for field := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		var err error
		switch name {
		case "Root":
			version, id, _ := strings.Cut(value, "-")
			seconds, random, _ := strings.Cut(id, "-")
			if version != "1" || len(seconds) != 8 {
				return trace.SpanContext{}, false
			}
			cfg.TraceID, err = trace.TraceIDFromHex(seconds + random)
		case "Parent":
			cfg.SpanID, err = trace.SpanIDFromHex(value)
		case "Sampled":
			cfg.TraceFlags = cfg.TraceFlags.WithSampled(value == "1")
		}
		if err != nil {
			return trace.SpanContext{}, false
		}
	}
	cfg.Remote = true
	sc := trace.NewSpanContext(cfg)
	return sc, sc.IsValid()
}
