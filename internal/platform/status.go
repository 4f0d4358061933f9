package platform

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/berthdev/berth/internal/fleet"
)

// StatusPath is where a running Berth tells, beside Lambda's API, how it stands.
const StatusPath = "/_berth/environments"

// Status is what Berth tells about itself.
type Status struct {
	Isolation    string        `json:"isolation"`
	Promise      string        `json:"promise"` // of the isolation, in a sentence
	Environments []Environment `json:"environments"`
}

// Environment is one live execution environment.
type Environment struct {
	ID          string   `json:"id"`
	Function    string   `json:"function"`
	Version     string   `json:"version"`
	Tenant      string   `json:"tenantId,omitempty"`
	State       string   `json:"state"` // "spare" for one that belongs to nobody yet
	Frozen      bool     `json:"frozen,omitempty"`
	PID         int      `json:"pid"`
	Invocations int      `json:"invocations"`
	AgeSeconds  float64  `json:"ageSeconds"`
	IdleSeconds *float64 `json:"idleSeconds,omitempty"` // absent unless it is idle
}

func (p *Platform) serveStatus(w http.ResponseWriter, _ *http.Request) {
	s := Status{Isolation: p.isolation.Name, Promise: p.isolation.Promise, Environments: []Environment{}}
	now := time.Now()
	for _, v := range p.fleet.Views() {
		s.Environments = append(s.Environments, environmentStatus(v, now))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s) // a client that has left needs no answer
}

func environmentStatus(v fleet.View, now time.Time) Environment {
	e := Environment{
		ID: v.ID, Function: v.Function, Version: v.Version, Tenant: string(v.Tenant), State: string(v.State),
		PID: v.PID, Invocations: v.Served, AgeSeconds: now.Sub(v.Started).Seconds(),
	}
	e.Frozen = v.Frozen
	if v.Spare {
		e.State = "spare"
	}
	if !v.Idle.IsZero() {
		idle := now.Sub(v.Idle).Seconds()
		e.IdleSeconds = &idle
	}
	return e
}
