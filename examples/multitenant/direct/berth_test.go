package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
	"github.com/berthdev/berth/examples/multitenant/tenantdata"
)

func TestInBerth(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs Berth")
	}
	berth := berthtest.Up(t, ".")
	for i, want := range []struct {
		tenant string
		count  int
	}{{"alice", 1}, {"alice", 2}, {"bob", 1}} {
		var got tenantdata.TenantData
		berth.Call("DirectCounter", want.tenant, `{"note":"hello"}`, &got)
		if got.TenantID != want.tenant || got.RequestCount != want.count {
			t.Errorf("invocation %d is request %d of %s, want %d of %s", i+1, got.RequestCount, got.TenantID, want.count, want.tenant)
		}
	}
	if a := berth.Invoke("DirectCounter", "", "{}"); a.Status != http.StatusBadRequest || !strings.Contains(a.Payload, "Add a valid tenant ID") {
		t.Errorf("without a tenant: %+v", a)
	}
}
