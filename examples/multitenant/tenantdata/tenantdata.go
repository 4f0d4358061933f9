// Package tenantdata counts requests by tenant, in memory.
package tenantdata

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// TenantData is what is known of one tenant. It is a value that never changes: a
// further request makes a new one.
type TenantData struct {
	TenantID     string    `json:"tenantID"`
	RequestCount int       `json:"requestCount"`
	FirstRequest string    `json:"firstRequest"` // as Request.Timestamp
	Requests     []Request `json:"requests"`     // the oldest first
}

// Request is one request of a tenant.
type Request struct {
	RequestNumber int    `json:"requestNumber"` // from 1
	Timestamp     string `json:"timestamp"`     // seconds since the Unix epoch, with a fraction
}

// with is d after one more request.
func (d TenantData) with(now time.Time) TenantData {
	stamp := fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)
	if d.RequestCount == 0 {
		d.FirstRequest = stamp
	}
	d.RequestCount++
	// A new array each time: whoever holds the old value keeps what it had.
	d.Requests = append(slices.Clip(d.Requests), Request{d.RequestCount, stamp})
	return d
}

// Store keeps the data of every tenant that this process has seen. Under tenant
// isolation that is one tenant; the map is there to show it: without isolation
// the counts of all tenants would meet here. The zero value is ready, and safe
// for concurrent use.
type Store struct {
	mu      sync.Mutex
	tenants map[string]TenantData
}

// Add counts a request and returns the tenant's data with it.
func (s *Store) Add(tenantID string, now time.Time) TenantData {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, known := s.tenants[tenantID]
	if !known {
		d.TenantID = tenantID
	}
	d = d.with(now)
	if s.tenants == nil {
		s.tenants = map[string]TenantData{}
	}
	s.tenants[tenantID] = d
	return d
}

// Tenants is how many tenants this process has seen.
func (s *Store) Tenants() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tenants)
}
