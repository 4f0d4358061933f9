package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func echo(_ context.Context, event []byte) ([]byte, error) { return event, nil }

func TestBytesAnswersWithItsBytes(t *testing.T) {
	p := newPlatform(t)
	r := p.start(Bytes(echo))
	c := p.accept()
	for _, event := range []string{`{"n":1}`, `not JSON`, ``, strings.Repeat("x", 6<<20)} {
		c.invoke("1", event)
		if got := c.answer("1"); got.body != event || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%.20q: answered %.20q, %s", event, got.body, got.header)
		}
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// An event that the handler keeps must not change when the next one comes.
func TestBytesOwnsItsEvent(t *testing.T) {
	p := newPlatform(t)
	var kept [][]byte
	r := p.start(Bytes(func(_ context.Context, event []byte) ([]byte, error) {
		kept = append(kept, event)
		return nil, nil
	}))
	c := p.accept()
	big := 100_000
	for _, event := range []string{"aaaa", "bbbb", strings.Repeat("c", big), strings.Repeat("d", big)} {
		c.invoke("1", event)
		c.answer("1")
	}
	r.stop()
	for i, want := range []string{"aaaa", "bbbb", strings.Repeat("c", big), strings.Repeat("d", big)} {
		if string(kept[i]) != want {
			t.Errorf("event %d has become %.10q…", i, kept[i])
		}
	}
}

type order struct {
	ID    int `json:"id"`
	Items []struct {
		Count int `json:"count"`
	} `json:"items"`
}

func TestFuncReadsAndWritesJSON(t *testing.T) {
	p := newPlatform(t)
	p.start(Func(func(_ context.Context, o order) (map[string]int, error) {
		return map[string]int{"id": o.ID}, nil
	}))
	c := p.accept()
	c.invoke("1", `{"id":7}`)
	if got := c.answer("1"); got.body != `{"id":7}` {
		t.Errorf("answered %s", got.body)
	}
}

func TestFuncTakesBytesAsTheyAre(t *testing.T) {
	p := newPlatform(t)
	p.start(Func(func(_ context.Context, event []byte) ([]byte, error) { return event, nil }))
	c := p.accept()
	c.invoke("1", `{"raw":true}`)
	if got := c.answer("1"); got.body != `{"raw":true}` {
		t.Errorf("answered %s", got.body)
	}
}

func TestFuncAnswersNullForNothing(t *testing.T) {
	p := newPlatform(t)
	p.start(Func(func(context.Context, any) (any, error) { return nil, nil }))
	c := p.accept()
	c.invoke("1", `{}`)
	if got := c.answer("1"); got.body != `null` {
		t.Errorf("answered %q", got.body)
	}
}

func TestCodecReplacesJSON(t *testing.T) {
	p := newPlatform(t)
	p.start(Func(func(_ context.Context, n int) (int, error) { return n + 1, nil }), WithCodec(Codec{
		Unmarshal: func(data []byte, v any) (err error) {
			*v.(*int), err = strconv.Atoi(strings.Trim(string(data), "<>"))
			return err
		},
		Marshal: func(v any) ([]byte, error) { return fmt.Appendf(nil, "<%d>", v), nil },
	}))
	c := p.accept()
	c.invoke("1", `<41>`)
	if got := c.answer("1"); got.body != `<42>` {
		t.Errorf("answered %s", got.body)
	}
}

type outOfStock struct{ berth string }

func (e outOfStock) Error() string { return "no berth " + e.berth }

type broken struct{ text *string }

func (e *broken) Error() string { return *e.text }

func TestErrorsAsCallersSeeThem(t *testing.T) {
	_, notExist := os.Open("/no/such/file")
	for _, tt := range []struct {
		name          string
		err           error
		typ, message  string
		telemetryType string
	}{
		{"a plain one", errors.New("sold out"), "errorString", "sold out", "Function.Error"},
		{"one with a type", outOfStock{"7"}, "outOfStock", "no berth 7", "Function.Error"},
		{"one of the standard library", notExist, "PathError", "open /no/such/file: no such file or directory", "Function.PathError"},
		{"one of ours", &Error{"OutOfStock", "sold out"}, "OutOfStock", "sold out", "Function.OutOfStock"},
		{"one of ours, wrapped", fmt.Errorf("order 7: %w", &Error{"OutOfStock", "sold out"}), "OutOfStock", "order 7: sold out", "Function.OutOfStock"},
		{"one of ours without a type", &Error{Message: "sold out"}, "Error", "sold out", "Function.Error"},
		{"one in Lambda's words", &Error{"Runtime.Unhappy", "sold out"}, "Runtime.Unhappy", "sold out", "Runtime.Unhappy"},
		{"one in nobody's words", &Error{"a type\r\nX: y", "sold out"}, "a type\r\nX: y", "sold out", "Function.Error"},
		{"a plain one, wrapped", fmt.Errorf("order 7: %w", errors.New("sold out")), "wrapError", "order 7: sold out", "Function.Error"},
		{"a typed one, wrapped twice", fmt.Errorf("b: %w", fmt.Errorf("a: %w", notExist)), "PathError", "b: a: open /no/such/file: no such file or directory", "Function.PathError"},
		{"two joined, of which one tells", errors.Join(errors.New("x"), outOfStock{"7"}), "outOfStock", "x\nno berth 7", "Function.Error"},
		{"one that can't say what it is", &broken{}, "broken", "an error whose Error method panics", "Function.Error"},
		{"a message that is no UTF-8", errors.New("\xff"), "errorString", "\ufffd", "Function.Error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			p.start(Func(func(context.Context, any) (any, error) { return nil, tt.err }))
			c := p.accept()
			c.invoke("1", `{}`)
			got := c.failure("1")
			var body map[string]any
			if err := json.Unmarshal([]byte(got.body), &body); err != nil {
				t.Fatal(err)
			}
			if body["errorType"] != tt.typ || body["errorMessage"] != tt.message || len(body) != 2 {
				t.Errorf("sent %s", got.body)
			}
			if h := got.header.Get(HeaderErrorType); h != tt.telemetryType {
				t.Errorf("%s: %s, want %s", HeaderErrorType, h, tt.telemetryType)
			}
			c.invoke("2", `{}`) // and the next invocation comes
			c.failure("2")
		})
	}
}

func TestEventsThatDoNotFit(t *testing.T) {
	for _, tt := range []struct{ name, event, message string }{
		{"another type", `{"id":"seven"}`, `decode event into lambda.order: field "id": JSON string is no Go int`},
		{"another type further down", `{"items":[{"count":true}]}`, `decode event into lambda.order: field "items.count": JSON bool is no Go int`},
		{"another type at the top", `[]`, `decode event: JSON array is no Go lambda.order`},
		{"no JSON", `{"id":7`, `decode event into lambda.order: unexpected end of JSON input at byte 7`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			p.start(Func(func(context.Context, order) (any, error) { panic("called") }))
			c := p.accept()
			c.invoke("1", tt.event)
			var body report
			if err := json.Unmarshal([]byte(c.failure("1").body), &body); err != nil {
				t.Fatal(err)
			}
			if body.Type != "DecodeError" || body.Message != tt.message {
				t.Errorf("sent %s: %s\nwant %s", body.Type, body.Message, tt.message)
			}
		})
	}
}

func TestResponsesThatCannotBeEncoded(t *testing.T) {
	p := newPlatform(t)
	p.start(Func(func(context.Context, any) (any, error) { return make(chan int), nil }))
	c := p.accept()
	c.invoke("1", `{}`)
	if got := c.failure("1"); !strings.Contains(got.body, `"UnsupportedTypeError"`) || !strings.Contains(got.body, "encode response: ") {
		t.Errorf("sent %s", got.body)
	}
}

func TestInvocationInTheContext(t *testing.T) {
	p := newPlatform(t)
	var got Invocation
	var tenant string
	p.start(Bytes(func(ctx context.Context, _ []byte) ([]byte, error) {
		inv, _ := FromContext(ctx)
		got, tenant = *inv, TenantID(ctx)
		return nil, nil
	}))
	c := p.accept()
	c.invoke("8476a536-e9f4-11e8-9739-2dfe598c3fcd", `{}`,
		"lambda-runtime-aws-tenant-id: alice",
		"LAMBDA-RUNTIME-INVOCATION-ID: attempt-1",
		"Lambda-Runtime-Deadline-Ms: 4102444800000",
		"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:counter:live",
		"Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
		`Lambda-Runtime-Client-Context: {"client":{"app_title":"Harbour"},"custom":{"k":"v"}}`,
		`Lambda-Runtime-Cognito-Identity: {"cognitoIdentityId":"id","cognitoIdentityPoolId":"pool"}`)
	echoed := c.answer("8476a536-e9f4-11e8-9739-2dfe598c3fcd")
	if h := echoed.header.Get(HeaderInvocationID); h != "attempt-1" {
		t.Errorf("the answer's %s is %q", HeaderInvocationID, h)
	}
	want := Invocation{
		RequestID:          "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
		InvocationID:       "attempt-1",
		TenantID:           "alice",
		Deadline:           time.UnixMilli(4102444800000),
		InvokedFunctionARN: "arn:aws:lambda:us-east-1:123456789012:function:counter:live",
		TraceID:            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
		RawClientContext:   `{"client":{"app_title":"Harbour"},"custom":{"k":"v"}}`,
		RawCognitoIdentity: `{"cognitoIdentityId":"id","cognitoIdentityPoolId":"pool"}`,
		Function: Function{"counter", "$LATEST", 128, "/aws/lambda/counter",
			"2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"},
	}
	if got != want || tenant != "alice" {
		t.Errorf("the handler saw %+v\nwant %+v", got, want)
	}
	cc, err := got.ClientContext()
	if err != nil || cc.Client.AppTitle != "Harbour" || cc.Custom["k"] != "v" {
		t.Errorf("client context %+v, %v", cc, err)
	}
	if id, err := got.CognitoIdentity(); err != nil || *id != (CognitoIdentity{"id", "pool"}) {
		t.Errorf("Cognito identity %+v, %v", id, err)
	}

	// What Lambda doesn't send is empty, and nothing is left of the invocation before.
	c.invoke("2", `{}`)
	if h, ok := c.answer("2").header[HeaderInvocationID]; ok {
		t.Errorf("an attempt without an ID was answered with %q", h)
	}
	if want := (Invocation{RequestID: "2", Function: want.Function}); got != want {
		t.Errorf("the handler saw %+v", got)
	}
	if cc, err := got.ClientContext(); cc != nil || err != nil {
		t.Errorf("client context %+v, %v", cc, err)
	}
}

func TestAnErrorEchoesTheInvocationID(t *testing.T) {
	p := newPlatform(t)
	p.start(Bytes(func(context.Context, []byte) ([]byte, error) { return nil, fs.ErrNotExist }))
	c := p.accept()
	c.invoke("1", `{}`, "Lambda-Runtime-Invocation-Id: attempt-2")
	if h := c.failure("1").header.Get(HeaderInvocationID); h != "attempt-2" {
		t.Errorf("%s is %q", HeaderInvocationID, h)
	}
}

func TestNoInvocationOutsideAHandler(t *testing.T) {
	if inv, ok := FromContext(t.Context()); ok || TenantID(t.Context()) != "" {
		t.Errorf("found %+v", inv)
	}
	ctx := NewContext(t.Context(), &Invocation{TenantID: "alice"})
	if TenantID(ctx) != "alice" {
		t.Error("NewContext's invocation is not in the context")
	}
}
