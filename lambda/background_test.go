package lambda

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestBackgroundAnswersBeforeItEnds(t *testing.T) {
	p := newPlatform(t)
	answered, goOn := make(chan error), make(chan bool)
	p.start(Background(func(ctx context.Context, n int, respond func(int) error) error {
		answered <- respond(n + 1)
		<-goOn
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return nil
	}))
	c := p.accept()
	c.invoke("1", `41`)
	if got := c.answer("1"); got.body != `42` {
		t.Errorf("answered %s", got.body)
	}
	if err := <-answered; err != nil {
		t.Errorf("respond said %v", err)
	}
	goOn <- true
	c.expect("GET /2018-06-01/runtime/invocation/next")
	if log := p.log.String(); strings.Contains(log, "ERROR") {
		t.Errorf("logged %s", log)
	}
}

func TestBackgroundRespondsOnce(t *testing.T) {
	p := newPlatform(t)
	second := make(chan error, 1)
	var kept func(int) error
	p.start(Background(func(_ context.Context, n int, respond func(int) error) error {
		respond(1)
		second <- respond(2)
		kept = respond
		return nil
	}))
	c := p.accept()
	c.invoke("1", `0`)
	if got := c.answer("1"); got.body != `1` {
		t.Errorf("answered %s", got.body)
	}
	if err := <-second; !errors.Is(err, ErrResponded) {
		t.Errorf("the second respond said %v", err)
	}
	c.expect("GET /2018-06-01/runtime/invocation/next")
	if err := kept(3); !errors.Is(err, errReturned) {
		t.Errorf("a respond after the end said %v", err)
	}
}

func TestBackgroundErrors(t *testing.T) {
	p := newPlatform(t)
	p.start(Background(func(_ context.Context, how string, respond func(any) error) error {
		switch how {
		case "silent":
			return nil
		case "unencodable":
			return respond(func() {})
		case "late":
			respond("ok")
		}
		return &Error{"OutOfStock", "sold out"}
	}))
	c := p.accept()
	for _, tt := range []struct{ event, typ string }{
		{`"early"`, "OutOfStock"}, {`"silent"`, "NoResponse"}, {`"unencodable"`, "UnsupportedTypeError"},
	} {
		c.invoke("1", tt.event)
		if got := c.failure("1"); !strings.Contains(got.body, `"errorType":"`+tt.typ+`"`) {
			t.Errorf("%s: sent %s", tt.event, got.body)
		}
	}
	c.invoke("the-late-one", `"late"`, "Lambda-Runtime-Aws-Tenant-Id: alice")
	c.answer("the-late-one")
	c.expect("GET /2018-06-01/runtime/invocation/next") // and no report: the caller has its answer
	const line = `msg="invocation failed after its response" errorType=OutOfStock errorMessage="sold out" requestId=the-late-one tenantId=alice`
	if log := p.log.String(); !strings.Contains(log, line) {
		t.Errorf("logged %s\nwant %s", log, line)
	}
}

func TestBackgroundPanicAfterItsResponse(t *testing.T) {
	p := newPlatform(t)
	r := p.start(Background(func(_ context.Context, _ any, respond func(any) error) error {
		respond(nil)
		panic("too late")
	}))
	c := p.accept()
	c.invoke("1", `{}`)
	c.answer("1")
	if e := (*PanicError)(nil); !errors.As(r.wait(), &e) || !strings.Contains(p.log.String(), "too late") {
		t.Errorf("Run returned %v, logged %s", r.err, p.log.String())
	}
}
