package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

// The third way: the function's real binary with its template in Berth, a process
// in a sandbox for each tenant. It takes a second or two, so that here is only
// what the others can't show: the template, the build, isolation.
//
// berthtest is 150 lines around `berth up --json`; copy it if you like.

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, ".")
	const stay = `{"ship":"Ada","metres":10,"nights":3}`
	for i, want := range []struct {
		tenant string
		number int64
	}{{"alice", 1}, {"alice", 2}, {"bob", 1}} {
		var bill Bill
		if b.Call("Harbour", want.tenant, stay, &bill); bill != (Bill{"Ada", 7500, want.number}) {
			t.Errorf("invocation %d: %+v, want bill %d of %s", i+1, bill, want.number, want.tenant)
		}
	}
	if l := b.AwaitLog("bill written"); l.TenantID != "alice" {
		t.Errorf("the first line of the log is %+v, want alice's", l)
	}
	if a := b.Invoke("Harbour", "", stay); a.Status != http.StatusBadRequest || !strings.Contains(a.Payload, "Add a valid tenant ID") {
		t.Errorf("without a tenant: %+v", a)
	}
}
