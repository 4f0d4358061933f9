// Package otellambda traces the invocations of a Lambda function with
// OpenTelemetry: one span for each, with the tenant as an attribute, below the
// span that X-Ray's trace header names.
//
//	t := otellambda.New(otellambda.Config{TracerProvider: provider})
//	lambda.Start(lambda.Func(otellambda.Func(t, handle)))
//
// The names are those of OpenTelemetry's semantic conventions for functions as a
// service and for AWS Lambda.
package otellambda

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/berthdev/berth/lambda"
)

// TenantIDKey is the attribute that holds the tenant ID. The conventions have no
// name for it. It has no bound: a backend that makes metrics of attributes should
// be told to leave this one out.
const TenantIDKey = attribute.Key("tenant.id")

// Config says where spans go. Its zero value is a good default.
type Config struct {
	// TracerProvider makes the spans; nil means OpenTelemetry's global one. If it
	// has a ForceFlush method, that is called after each invocation: what is not
	// exported by then may wait for hours, because Lambda freezes the process.
	TracerProvider trace.TracerProvider

	FlushTimeout time.Duration // the most that an invocation waits for that; 0 means 1 s

	// OnlySampledParents starts a new trace where the header says that X-Ray
	// didn't sample. Set it for a function without X-Ray tracing: Lambda sends
	// such a header all the same, and a sampler that follows its parent then drops
	// every span.
	OnlySampledParents bool

	// Attributes, when set, adds attributes to an invocation's span, such as the
	// trigger (faas.trigger), which only the function knows.
	Attributes func(context.Context) []attribute.KeyValue
}

// Tracer makes the spans. It is safe for concurrent use.
type Tracer struct {
	cfg    Config
	tracer trace.Tracer
	flush  func(context.Context) error // nil when the provider has none
	warm   atomic.Bool
}

// New returns a tracer. There should be one in a process: it knows which
// invocation was the first.
func New(cfg Config) *Tracer {
	if cfg.TracerProvider == nil {
		cfg.TracerProvider = otel.GetTracerProvider()
	}
	if cfg.FlushTimeout == 0 {
		cfg.FlushTimeout = time.Second
	}
	t := &Tracer{
		cfg:    cfg,
		tracer: cfg.TracerProvider.Tracer("github.com/berthdev/berth/contrib/otellambda", trace.WithSchemaURL(semconv.SchemaURL)),
	}
	if p, ok := cfg.TracerProvider.(interface{ ForceFlush(context.Context) error }); ok {
		t.flush = p.ForceFlush
	}
	return t
}

// Start begins the span of the invocation that ctx belongs to. end must be called
// once, with the invocation's error; it waits until the span is exported. It is
// for handlers that none of this package's functions wraps, such as an
// http.Handler. Outside of an invocation the span has a name and nothing else.
func (t *Tracer) Start(ctx context.Context) (_ context.Context, end func(error)) {
	name := "lambda"
	attributes := []attribute.KeyValue{semconv.FaaSColdstart(!t.warm.Swap(true))}
	if inv, ok := lambda.FromContext(ctx); ok {
		name = inv.Function.Name
		attributes = append(attributes, describe(inv)...)
		if parent, ok := parseTraceHeader(inv.TraceID); ok && (parent.IsSampled() || !t.cfg.OnlySampledParents) {
			ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
		}
	}
	if t.cfg.Attributes != nil {
		attributes = append(attributes, t.cfg.Attributes(ctx)...)
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
	return ctx, func(err error) {
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
			span.SetAttributes(semconv.ErrorType(err))
		}
		span.End()
		t.export(ctx)
	}
}

// export waits until the provider has exported what it has. The invocation's
// context may be at its end already.
func (t *Tracer) export(ctx context.Context) {
	if t.flush == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.cfg.FlushTimeout)
	defer cancel()
	if err := t.flush(ctx); err != nil {
		otel.Handle(fmt.Errorf("export the spans of an invocation: %w", err))
	}
}

// describe is what the conventions want to know of an invocation.
// Source: OpenTelemetry semantic conventions, "AWS Lambda" and "FaaS spans".
func describe(inv *lambda.Invocation) []attribute.KeyValue {
	attributes := []attribute.KeyValue{semconv.FaaSInvocationID(inv.RequestID)}
	if inv.TenantID != "" {
		attributes = append(attributes, TenantIDKey.String(inv.TenantID))
	}
	if inv.Function.Name != "" {
		attributes = append(attributes, semconv.FaaSName(inv.Function.Name), semconv.FaaSVersion(inv.Function.Version))
	}
	if inv.Function.MemoryMB > 0 {
		attributes = append(attributes, semconv.FaaSMaxMemory(inv.Function.MemoryMB<<20)) // in bytes there
	}
	// arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]
	if arn := inv.InvokedFunctionARN; strings.Count(arn, ":") >= 6 {
		fields := strings.SplitN(arn, ":", 8)
		attributes = append(attributes,
			semconv.CloudProviderAWS, semconv.CloudRegion(fields[3]), semconv.CloudAccountID(fields[4]),
			semconv.CloudResourceID(strings.Join(fields[:7], ":")))
		if len(fields) == 8 {
			attributes = append(attributes, semconv.AWSLambdaInvokedARN(arn))
		}
	}
	return attributes
}
