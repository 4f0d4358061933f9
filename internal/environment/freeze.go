package environment

import "github.com/berthdev/berth/internal/sandbox"

// Freeze keeps the CPU from the environment until its next invocation, if it is
// idle and its sandbox can do that. It is thawed by itself.
// Source: AWS Lambda developer guide, lambda-runtime-environment.
func (e *Environment) Freeze() {
	e.freezing.Lock()
	defer e.freezing.Unlock()
	e.mu.Lock()
	idle, process := e.state == Idle, e.process
	e.mu.Unlock()
	// An invocation makes the environment busy before it thaws: whoever comes
	// second here sees what the first has done.
	f, able := freezer(process)
	if !idle || !able || e.frozen {
		return
	}
	if err := f.Freeze(); err != nil {
		e.note("environment not frozen", err)
		e.note("environment not thawed", f.Thaw())
		return
	}
	e.frozen = true
}

// thaw undoes Freeze.
func (e *Environment) thaw() {
	e.freezing.Lock()
	defer e.freezing.Unlock()
	if !e.frozen {
		return
	}
	e.mu.Lock()
	f, _ := freezer(e.process)
	e.mu.Unlock()
	e.note("environment not thawed", f.Thaw())
	e.frozen = false
}

func freezer(p *sandbox.Process) (sandbox.Freezer, bool) {
	if p == nil {
		return nil, false
	}
	f, ok := p.Handle.(sandbox.Freezer)
	return f, ok
}
