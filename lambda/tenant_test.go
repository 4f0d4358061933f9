package lambda

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const alice, bob = "Lambda-Runtime-Aws-Tenant-Id: alice", "Lambda-Runtime-Aws-Tenant-Id: bob"

func TestRequireTenantRefusesAnInvocationWithoutOne(t *testing.T) {
	p := newPlatform(t)
	p.start(Bytes(echo), RequireTenant())
	c := p.accept()
	c.invoke("1", `{}`)
	if got := c.failure("1"); !strings.Contains(got.body, `"errorType":"TenantError"`) || !strings.Contains(got.body, "PER_TENANT") {
		t.Errorf("sent %s", got.body)
	}
	c.invoke("2", `{}`, alice) // and one with a tenant is served
	c.answer("2")
}

func TestRequireTenantEndsTheProcessAtTheSecondTenant(t *testing.T) {
	p := newPlatform(t)
	r := p.start(Bytes(echo), RequireTenant())
	c := p.accept()
	for range 2 {
		c.invoke("1", `{}`, alice)
		c.answer("1")
	}
	c.invoke("2", `{"secret":1}`, bob)
	got := c.failure("2")
	if !strings.Contains(got.body, `"errorType":"TenantError"`) || strings.Contains(got.body, "alice") || strings.Contains(got.body, "secret") {
		t.Errorf("sent %s", got.body)
	}
	err := r.wait()
	if e := (*TenantError)(nil); !errors.As(err, &e) || e.TenantID != "bob" {
		t.Errorf("Run returned %v", err)
	}
}

// The tenant is bound when an invocation is admitted, and not when it has gone
// well: a failed handler has seen the tenant's data, too.
func TestRequireTenantBindsBeforeTheHandlerRuns(t *testing.T) {
	p := newPlatform(t)
	r := p.start(Func(func(_ context.Context, _ any) (any, error) { return nil, errors.New("failed") }), RequireTenant())
	c := p.accept()
	c.invoke("1", `{}`, alice)
	c.failure("1")
	c.invoke("2", `{}`, bob)
	c.failure("2")
	if e := (*TenantError)(nil); !errors.As(r.wait(), &e) {
		t.Errorf("Run returned %v", r.err)
	}
}

func TestOneTenantIsAdmittedOfManyAtOnce(t *testing.T) {
	p := newPlatform(t)
	p.env["AWS_LAMBDA_MAX_CONCURRENCY"] = "8"
	var served atomic.Int32
	r := p.start(Func(func(_ context.Context, _ any) (any, error) { served.Add(1); return nil, nil }), RequireTenant())
	var peers []*peer
	for range 8 {
		peers = append(peers, p.accept())
	}
	for _, c := range peers {
		c.expect("GET /2018-06-01/runtime/invocation/next")
	}
	// The first that is refused ends the process: the others' connections may be
	// closed before they have their event, or before they have answered, and then
	// there is nobody to answer on another one.
	p.listener.Close()
	for i, c := range peers {
		c.Conn.Write([]byte(invocation("1", `{}`, []string{alice, bob}[i%2])))
	}
	for _, c := range peers {
		if _, err := http.ReadRequest(c.r); err == nil {
			c.Conn.Write([]byte(accepted))
		}
	}
	r.wait()
	if e := (*TenantError)(nil); !errors.As(r.err, &e) || served.Load() > 4 {
		t.Errorf("%d of 8 invocations were served for two tenants; Run returned %v", served.Load(), r.err)
	}
}
