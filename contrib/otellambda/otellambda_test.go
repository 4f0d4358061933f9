package otellambda_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/berthdev/berth/contrib/otellambda"
	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdatest"
)

const (
	sampled   = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0"
	unsampled = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
)

// newTracer returns a tracer whose spans are exported in batches, as in
// production: they arrive only because each invocation flushes.
func newTracer(t *testing.T, cfg otellambda.Config) (*otellambda.Tracer, *tracetest.InMemoryExporter) {
	exported := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exported))
	t.Cleanup(func() { provider.Shutdown(context.Background()) })
	cfg.TracerProvider = provider
	return otellambda.New(cfg), exported
}

// only returns the one span that has been exported by now.
func only(t *testing.T, exported *tracetest.InMemoryExporter) tracetest.SpanStub {
	t.Helper()
	spans := exported.GetSpans()
	if len(spans) != 1 {
		t.Fatalf("%d spans, want 1: %v", len(spans), spans)
	}
	exported.Reset()
	return spans[0]
}

func echo(_ context.Context, event string) (string, error) {
	switch event {
	case "fail":
		return "", &lambda.Error{Type: "OutOfStock", Message: "no berth is free"}
	case "panic":
		panic("oh")
	}
	return event, nil
}

func TestASpanForEachInvocation(t *testing.T) {
	tracer, exported := newTracer(t, otellambda.Config{
		Attributes: func(context.Context) []attribute.KeyValue {
			return []attribute.KeyValue{attribute.String("faas.trigger", "http")}
		},
	})
	f := lambdatest.Start(t, lambda.Func(otellambda.Func(tracer, echo)))
	for i, tenant := range []string{"alice", "bob"} {
		_, err := f.Invoke(t.Context(), lambdatest.Event{
			Payload: []byte(`"x"`), TenantID: tenant, RequestID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", TraceID: sampled,
			InvokedFunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:test:live",
		})
		if err != nil {
			t.Fatal(err)
		}
		span := only(t, exported)
		if span.Name != "test" || span.SpanKind != trace.SpanKindServer || span.Status.Code != codes.Unset {
			t.Errorf("span %q, kind %v, status %v", span.Name, span.SpanKind, span.Status)
		}
		if p := span.Parent; p.TraceID().String() != "5759e988bd862e3fe1be46a994272793" || p.SpanID().String() != "53995c3f42cd8ad8" ||
			!p.IsRemote() || span.SpanContext.TraceID() != p.TraceID() {
			t.Errorf("parent %+v, want the one of the header", p)
		}
		var got []string
		for _, a := range span.Attributes {
			got = append(got, string(a.Key)+"="+a.Value.String())
		}
		slices.Sort(got)
		want := []string{
			"aws.lambda.invoked_arn=arn:aws:lambda:eu-west-1:123456789012:function:test:live",
			"cloud.account.id=123456789012",
			"cloud.provider=aws",
			"cloud.region=eu-west-1",
			"cloud.resource_id=arn:aws:lambda:eu-west-1:123456789012:function:test",
			fmt.Sprintf("faas.coldstart=%t", i == 0),
			"faas.invocation_id=8476a536-e9f4-11e8-9739-2dfe598c3fcd",
			"faas.max_memory=134217728",
			"faas.name=test",
			"faas.trigger=http",
			"faas.version=$LATEST",
			"tenant.id=" + tenant,
		}
		if !slices.Equal(got, want) {
			t.Errorf("attributes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestErrorsAndPanicsAreOnTheSpan(t *testing.T) {
	for event, want := range map[string]string{"fail": "no berth is free", "panic": "panic: oh"} {
		t.Run(event, func(t *testing.T) {
			tracer, exported := newTracer(t, otellambda.Config{})
			f := lambdatest.Start(t, lambda.Func(otellambda.Func(tracer, echo)))
			_, err := f.Invoke(t.Context(), lambdatest.Event{Payload: fmt.Appendf(nil, "%q", event)})
			if _, ok := errors.AsType[*lambdatest.FunctionError](err); !ok {
				t.Errorf("error %v: it did not reach package lambda", err)
			}
			span := only(t, exported)
			if span.Status.Code != codes.Error || span.Status.Description != want || len(span.Events) != 1 {
				t.Errorf("status %v, events %v; want an error, %q", span.Status, span.Events, want)
			}
		})
	}
}

func TestStreamAndBackground(t *testing.T) {
	tracer, exported := newTracer(t, otellambda.Config{})
	f := lambdatest.Start(t, lambda.Stream(otellambda.Stream(tracer, func(_ context.Context, _ []byte, w *lambda.ResponseWriter) error {
		_, err := w.Write([]byte("x"))
		return err
	})))
	if _, err := f.Invoke(t.Context(), lambdatest.Event{}); err != nil {
		t.Fatal(err)
	}
	only(t, exported)

	g := lambdatest.Start(t, lambda.Background(otellambda.Background(tracer, func(_ context.Context, _ []byte, respond func(string) error) error {
		return respond("accepted")
	})))
	if _, err := g.Invoke(t.Context(), lambdatest.Event{}); err != nil {
		t.Fatal(err)
	}
	if err := g.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if span := only(t, exported); len(span.Events) != 1 || span.Events[0].Name != "responded" {
		t.Errorf("events %v, want when it responded", span.Events)
	}
}

func TestParents(t *testing.T) {
	for _, c := range []struct {
		name, header string
		onlySampled  bool
		spans        int
		parent       bool
	}{
		{"a sampled one", sampled, false, 1, true},
		{"one that is not sampled decides for us", unsampled, false, 0, false},
		{"unless the user knows better", unsampled, true, 1, false},
		{"a sampled one still counts then", sampled, true, 1, true},
		{"none", "", false, 1, false},
		{"a header without a parent", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", false, 1, false},
		{"a broken one", "Root=1-5759e988-zz;Parent=53995c3f42cd8ad8;Sampled=1", false, 1, false},
		{"one of another version", "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", false, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tracer, exported := newTracer(t, otellambda.Config{OnlySampledParents: c.onlySampled})
			f := lambdatest.Start(t, lambda.Func(otellambda.Func(tracer, echo)))
			if _, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(`"x"`), TraceID: c.header}); err != nil {
				t.Fatal(err)
			}
			spans := exported.GetSpans()
			if len(spans) != c.spans || c.spans == 1 && spans[0].Parent.IsValid() != c.parent {
				t.Errorf("spans %v, want %d, with a parent: %t", spans, c.spans, c.parent)
			}
		})
	}
}

func Example() {
	exporter := tracetest.NewInMemoryExporter() // in its place, one that sends spans somewhere
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	tracer := otellambda.New(otellambda.Config{TracerProvider: provider})

	handle := func(ctx context.Context, name string) (string, error) {
		trace.SpanFromContext(ctx).SetAttributes(attribute.String("greeted", name))
		return "hello " + name, nil
	}
	lambda.Start(lambda.Func(otellambda.Func(tracer, handle)), lambda.OnShutdown(provider.Shutdown))
}
