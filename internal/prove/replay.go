package prove

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
)

// Request is one event, sent for a tenant.
type Request struct {
	Tenant function.TenantID
	Name   string // of the event, for people
	Event  []byte // JSON
}

// Answered is what became of one request: alone, in an environment that only its
// tenant's requests reach, and shared, in one that they all do.
type Answered struct {
	Tenant      function.TenantID   `json:"tenantId"`
	Event       string              `json:"event"` // its name
	Alone       string              `json:"alone"`
	Shared      string              `json:"shared"`
	Differences []Difference        `json:"differences,omitempty"`
	Names       []function.TenantID `json:"names,omitempty"` // the other tenants that only the shared answer names
}

// Leaks says whether the answer depended on another tenant.
func (a Answered) Leaks() bool { return len(a.Differences) > 0 }

// Replay sends the requests, one after the other, three times: twice to
// environments of the tenants' own, to know what differs by itself, and then to
// one environment that the tenants share.
func Replay(ctx context.Context, cfg Config, requests []Request) ([]Answered, error) {
	ids := make([]string, len(requests)) // the same each time
	for i := range ids {
		ids[i] = uuid.NewString()
	}
	own := cfg.Function
	own.TenantIsolation = true
	run := func(v function.Version, d environment.Driver, of func(Request) function.TenantID) (all []string, err error) {
		err = on(ctx, cfg, v, d, func(s *stage) error {
			for i, r := range requests {
				answer, err := s.invoke(ctx, of(r), ids[i], r.Event)
				if err != nil {
					return fmt.Errorf("request %d, %s of %s: %w", i+1, r.Name, r.Tenant, err)
				}
				all = append(all, strings.ReplaceAll(string(answer.Payload), ids[i], "<request ID>"))
			}
			return nil
		})
		return all, err
	}
	alone, err := run(own, cfg.Isolation.Driver, func(r Request) function.TenantID { return r.Tenant })
	if err != nil {
		return nil, fmt.Errorf("with an environment for each tenant: %w", err)
	}
	again, err := run(own, cfg.Isolation.Driver, func(r Request) function.TenantID { return r.Tenant })
	if err != nil {
		return nil, fmt.Errorf("with an environment for each tenant, again: %w", err)
	}
	one := cfg.Function
	one.TenantIsolation = false
	d := &shared{driver: cfg.Isolation.Driver, tenants: map[string]function.TenantID{}}
	for i, r := range requests {
		d.expect(ids[i], r.Tenant)
	}
	together, err := run(one, d, func(Request) function.TenantID { return "" })
	if err != nil {
		return nil, fmt.Errorf("with one environment for all: %w", err)
	}

	answered := make([]Answered, len(requests))
	for i, r := range requests {
		answered[i] = Answered{
			Tenant: r.Tenant, Event: r.Name, Alone: alone[i], Shared: together[i],
			Differences: differences([]byte(alone[i]), []byte(again[i]), []byte(together[i])),
			Names:       named(requests, r.Tenant, alone[i], together[i]),
		}
	}
	return answered, nil
}

// named are the other tenants whose IDs stand in the shared answer alone.
func named(requests []Request, own function.TenantID, alone, shared string) []function.TenantID {
	var all []function.TenantID
	seen := map[function.TenantID]bool{own: true}
	for _, r := range requests {
		id := string(r.Tenant)
		if !seen[r.Tenant] && strings.Contains(shared, id) && !strings.Contains(alone, id) {
			all = append(all, r.Tenant)
		}
		seen[r.Tenant] = true
	}
	return all
}
