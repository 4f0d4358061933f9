package platform

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/fleet"
)

// StatusPath is where a running Berth tells, beside Lambda's API, how it stands.
const StatusPath = "/_berth/environments"

// Status is what Berth tells about itself.
type Status struct {
	Isolation    string        `json:"isolation"`
	Promise      string        `json:"promise"` // of the isolation, in a sentence
	Environments []Environment `json:"environments"`
	Events       []Events      `json:"events"` // the longest backlog first
}

// Events is the asynchronous events of one function and tenant that are not done.
type Events struct {
	Function    string   `json:"function"` // ARN as invoked
	Tenant      string   `json:"tenantId,omitempty"`
	Waiting     int      `json:"waiting"`
	UnderWay    int      `json:"underWay"`
	NextSeconds *float64 `json:"nextInSeconds,omitempty"` // until one is due; absent if none waits
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
	s := Status{Isolation: p.isolation.Name, Promise: p.isolation.Promise, Environments: []Environment{}, Events: []Events{}}
	now := time.Now()
	for _, v := range p.fleet.Views() {
		s.Environments = append(s.Environments, environmentStatus(v, now))
	}
	for _, v := range p.async.events.Views() {
		s.Events = append(s.Events, eventsStatus(v, now))
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

func eventsStatus(v backlog.View, now time.Time) Events {
	e := Events{Function: v.Target, Tenant: string(v.Tenant), Waiting: v.Waiting, UnderWay: v.InFlight}
	if v.Waiting > 0 {
		next := max(0, v.Next.Sub(now).Seconds())
		e.NextSeconds = &next
	}
	return e
}
