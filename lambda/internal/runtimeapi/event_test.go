package runtimeapi

import (
	"fmt"
	"strings"
	"testing"
)

// What an event has kept must not change with the events that come after it.
func TestEventsKeepTheirTexts(t *testing.T) {
	var h head
	var e Event
	var texts texts
	var kept []Event
	const n = 500 // some blocks
	for i := range n {
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: id-%d\r\n%s: tenant-%d\r\n%s: arn-%d\r\n\r\n", RequestID, i, TenantID, i%7, FunctionARN, i/100)
		if i == 250 {
			answer = fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: id-%d\r\n%s: %s\r\n\r\n", RequestID, i, ClientContext, strings.Repeat("x", textBlock+1))
		}
		if err := h.parse([]byte(answer)); err != nil {
			t.Fatal(err)
		}
		if err := e.read(&h, &texts); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, e)
	}
	for i, e := range kept {
		id, tenant, arn := fmt.Sprint("id-", i), fmt.Sprint("tenant-", i%7), fmt.Sprint("arn-", i/100)
		if i == 250 {
			tenant, arn = "", "" // nothing of the event before
			if len(e.ClientContext) != textBlock+1 {
				t.Errorf("a client context of %d bytes", len(e.ClientContext))
			}
		}
		if e.RequestID != id || e.TenantID != tenant || e.FunctionARN != arn {
			t.Errorf("event %d has become %s, %s, %s", i, e.RequestID, e.TenantID, e.FunctionARN)
		}
	}
}
