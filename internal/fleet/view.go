package fleet

import (
	"cmp"
	"slices"
	"time"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
)

// View is one environment as it stands at a moment.
type View struct {
	ID       string
	Function string
	Version  string
	Tenant   function.TenantID
	State    environment.State
	PID      int
	Started  time.Time
	Idle     time.Time // since when; zero unless it is idle
	Served   int       // invocations handed over so far
	Spare    bool      // it is initialised, or about to be, and belongs to nobody
	Frozen   bool      // it gets no CPU until its next invocation
}

// Views returns every environment, sorted by function, tenant and age.
func (f *Fleet) Views() []View {
	f.mu.Lock()
	views := make([]View, 0, len(f.all))
	for m := range f.all {
		view := View{
			ID: m.env.ID(), Function: m.key.Version.Name, Version: m.key.Version.Number, Tenant: m.key.Tenant,
			State: m.env.State(), PID: m.env.PID(), Started: m.started, Served: m.served,
			Spare: m.phase == preparing || m.phase == spare, Frozen: m.frozen,
		}
		if m.phase == resting {
			view.Idle = m.idleSince
		}
		views = append(views, view)
	}
	f.mu.Unlock()
	slices.SortFunc(views, func(a, b View) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Tenant, b.Tenant),
			a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
	})
	return views
}
