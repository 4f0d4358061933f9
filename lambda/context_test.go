package lambda

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestContextEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &invocationContext{parent: context.Background(), deadline: time.Now().Add(3 * time.Second)}
		if at, ok := c.Deadline(); !ok || !at.Equal(c.deadline) {
			t.Errorf("Deadline is %v, %v", at, ok)
		}
		time.Sleep(3*time.Second - time.Nanosecond)
		if err := c.Err(); err != nil {
			t.Errorf("Err is %v before the deadline", err)
		}
		time.Sleep(time.Nanosecond)
		<-c.Done()
		if c.Err() != context.DeadlineExceeded || context.Cause(c) != ErrDeadline {
			t.Errorf("Err is %v, the cause %v", c.Err(), context.Cause(c))
		}
		c.end(context.Canceled)
	})
}

func TestContextWithoutDeadline(t *testing.T) {
	c := &invocationContext{parent: context.Background()}
	if at, ok := c.Deadline(); ok {
		t.Errorf("Deadline is %v", at)
	}
	c.end(context.Canceled)
}

func TestContextEndsWithItsParent(t *testing.T) {
	parent, cancel := context.WithCancelCause(context.Background())
	c := &invocationContext{parent: parent}
	left := errors.New("left")
	cancel(left)
	<-c.Done()
	if c.Err() != context.Canceled || context.Cause(c) != left {
		t.Errorf("Err is %v, the cause %v", c.Err(), context.Cause(c))
	}
}

func TestContextTakesTheEarlierDeadline(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	parent, cancel := context.WithDeadline(context.Background(), soon)
	defer cancel()
	c := &invocationContext{parent: parent, deadline: soon.Add(time.Hour)}
	if at, _ := c.Deadline(); !at.Equal(soon) {
		t.Errorf("Deadline is %v, want the parent's %v", at, soon)
	}
}

// The standard context behind it is made late: it has to know what was before.
func TestContextEndsOnceForAll(t *testing.T) {
	left := errors.New("left")
	for _, asked := range []bool{false, true} {
		c := &invocationContext{parent: context.Background(), deadline: time.Now().Add(time.Hour)}
		if asked {
			c.Done()
		}
		c.end(left)
		c.end(context.Canceled)
		<-c.Done()
		if c.Err() != context.Canceled || context.Cause(c) != left {
			t.Errorf("asked before its end: %v: Err is %v, the cause %v", asked, c.Err(), context.Cause(c))
		}
	}
}

// A child of the context must not cost a goroutine that watches it.
func TestContextHasChildren(t *testing.T) {
	type key struct{}
	c := &invocationContext{
		Invocation: Invocation{TenantID: "alice"},
		parent:     context.WithValue(context.Background(), key{}, "value"),
	}
	child, cancel := context.WithTimeout(c, time.Hour)
	defer cancel()
	if left := goroutines(); left != "" {
		t.Errorf("a child started a goroutine: %s", left)
	}
	if TenantID(child) != "alice" || child.Value(key{}) != "value" {
		t.Error("values are lost")
	}
	c.end(context.Canceled)
	<-child.Done()
}

func TestDeadlineMargin(t *testing.T) {
	p := newPlatform(t)
	deadlines := make(chan [2]time.Time, 1)
	p.start(Bytes(func(ctx context.Context, _ []byte) ([]byte, error) {
		at, _ := ctx.Deadline()
		inv, _ := FromContext(ctx)
		deadlines <- [2]time.Time{at, inv.Deadline}
		return nil, nil
	}), WithDeadlineMargin(200*time.Millisecond))
	c := p.accept()
	c.invoke("1", `{}`, "Lambda-Runtime-Deadline-Ms: 4102444800000")
	c.answer("1")
	got, end := <-deadlines, time.UnixMilli(4102444800000)
	if !got[0].Equal(end.Add(-200*time.Millisecond)) || !got[1].Equal(end) {
		t.Errorf("the context ends at %v, the invocation at %v", got[0], got[1])
	}
}

func TestDeadlinesThatAreNone(t *testing.T) {
	for _, header := range []string{"X: y", "Lambda-Runtime-Deadline-Ms: soon", "Lambda-Runtime-Deadline-Ms:"} {
		t.Run(header, func(t *testing.T) {
			p := newPlatform(t)
			deadline := make(chan bool, 1)
			p.start(Bytes(func(ctx context.Context, _ []byte) ([]byte, error) {
				_, ok := ctx.Deadline()
				deadline <- ok
				return nil, nil
			}))
			c := p.accept()
			c.invoke("1", `{}`, header)
			c.answer("1")
			if <-deadline {
				t.Error("it made a deadline")
			}
		})
	}
}

// What a handler leaves running must see that its invocation is over.
func TestContextEndsWithItsHandler(t *testing.T) {
	p := newPlatform(t)
	left := make(chan context.Context, 1)
	p.start(Bytes(func(ctx context.Context, _ []byte) ([]byte, error) {
		left <- ctx
		return nil, nil
	}))
	c := p.accept()
	c.invoke("1", `{}`)
	c.answer("1")
	ctx := <-left
	<-ctx.Done()
	if context.Cause(ctx) != context.Canceled {
		t.Errorf("the cause is %v", context.Cause(ctx))
	}
}
