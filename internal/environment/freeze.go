package environment

import (
	"context"

	"github.com/berthdev/berth/internal/sandbox"
)

// freezer is what a sandbox may be able to do beside the rest: keep the CPU from
// an idle process, and take memory back that it does not need meanwhile.
type freezer interface {
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error
}

// Freeze keeps the CPU from the environment until its next invocation, if it is
// idle and its sandbox can do that. It is thawed by itself.
// Source: AWS Lambda developer guide, lambda-runtime-environment.
func (e *Environment) Freeze(ctx context.Context) {
	e.freezing.Lock()
	defer e.freezing.Unlock()
	e.mu.Lock()
	idle, process := e.state == Idle, e.process
	e.mu.Unlock()
	// An invocation makes the environment busy before it thaws: whoever comes
	// second here sees what the first has done.
	f, able := freezerOf(process)
	if !idle || !able || e.frozen {
		return
	}
	if err := f.Freeze(ctx); err != nil {
		e.note("environment not frozen", err)
		e.note("environment not thawed", f.Thaw(context.WithoutCancel(ctx)))
		return
	}
	e.frozen = true
}

// thaw undoes Freeze.
func (e *Environment) thaw(ctx context.Context) {
	e.freezing.Lock()
	defer e.freezing.Unlock()
	if !e.frozen {
		return
	}
	e.mu.Lock()
	f, _ := freezerOf(e.process)
	e.mu.Unlock()
	// The caller's leaving must not leave the process frozen.
	e.note("environment not thawed", f.Thaw(context.WithoutCancel(ctx)))
	e.frozen = false
}

func freezerOf(p *sandbox.Process) (freezer, bool) {
	if p == nil {
		return nil, false
	}
	f, ok := p.Handle.(freezer)
	return f, ok
}
