package tenantdata

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 250_000_000, time.UTC)

func TestAddCountsEachTenantByItself(t *testing.T) {
	var s Store
	for i, want := range []struct {
		tenant string
		count  int
	}{{"alice", 1}, {"alice", 2}, {"bob", 1}, {"alice", 3}} {
		got := s.Add(want.tenant, noon.Add(time.Duration(i)*time.Second))
		if got.TenantID != want.tenant || got.RequestCount != want.count || len(got.Requests) != want.count {
			t.Errorf("request %d: got %+v, want request %d of %s", i, got, want.count, want.tenant)
		}
	}
	if n := s.Tenants(); n != 2 {
		t.Errorf("%d tenants, want 2", n)
	}
}

func TestDataThatWasHandedOutNeverChanges(t *testing.T) {
	var s Store
	first := s.Add("alice", noon)
	second := s.Add("alice", noon.Add(time.Second))
	keep := []TenantData{clone(t, first), clone(t, second)}
	second.Requests = append(second.Requests, Request{RequestNumber: 99})
	second.Requests = second.Requests[:2]
	for range 10 {
		s.Add("alice", noon.Add(time.Minute))
	}
	for i, got := range []TenantData{first, second} {
		if !reflect.DeepEqual(got, keep[i]) {
			t.Errorf("value %d became %+v; it was %+v", i, got, keep[i])
		}
	}
	if got := s.Add("alice", noon); got.Requests[2].RequestNumber != 3 {
		t.Errorf("a caller's append reached the store: %+v", got.Requests)
	}
}

func clone(t *testing.T, d TenantData) TenantData {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var c TenantData
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAddIsSafeForConcurrentUse(t *testing.T) {
	const tenants, requests = 10, 100
	var s Store
	var wg sync.WaitGroup
	for i := range tenants {
		for range requests {
			wg.Go(func() { s.Add(fmt.Sprint("tenant-", i), noon) })
		}
	}
	wg.Wait()
	for i := range tenants {
		d := s.Add(fmt.Sprint("tenant-", i), noon)
		if d.RequestCount != requests+1 {
			t.Errorf("%s has %d requests, want %d", d.TenantID, d.RequestCount, requests+1)
		}
		for j, r := range d.Requests {
			if r.RequestNumber != j+1 {
				t.Fatalf("%s: request %d has number %d", d.TenantID, j+1, r.RequestNumber)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	var s Store
	s.Add("alice", noon)
	got, err := json.Marshal(s.Add("alice", noon.Add(1500*time.Millisecond)))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"tenantID":"alice","requestCount":2,"firstRequest":"1795435200.250000","requests":[` +
		`{"requestNumber":1,"timestamp":"1795435200.250000"},{"requestNumber":2,"timestamp":"1795435201.750000"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
