package environment

import "fmt"

// State is where an execution environment stands in its life.
type State string

const (
	Starting State = "starting" // its sandbox is being built
	Init     State = "init"     // its process runs and has not asked for an event yet
	Idle     State = "idle"     // it waits for an event; frozen is a property of idle
	Busy     State = "busy"     // an invocation is under way, its answer given or not
	Draining State = "draining" // it takes no more invocations and is being ended
	Dead     State = "dead"     // nothing of it is left
)

// step is what moves an environment from one state to another.
type step string

const (
	started step = "started" // the driver has started the process
	asked   step = "asked"   // the runtime asked for the next event
	invoked step = "invoked" // an invocation was handed over
	ending  step = "ending"  // it was told to end, failed, or its process ended
	ended   step = "ended"   // its process is gone and its sandbox released
)

// steps is the whole life of an environment: a step that is not here is refused.
var steps = map[State]map[step]State{
	Starting: {started: Init, ending: Draining},
	Init:     {asked: Idle, ending: Draining},
	Idle:     {asked: Idle, invoked: Busy, ending: Draining},
	Busy:     {asked: Idle, ending: Draining},
	Draining: {ending: Draining, ended: Dead},
	Dead:     {ending: Dead},
}

// stepError is a step that the table does not have.
type stepError struct {
	state State
	step  step
}

func (e *stepError) Error() string {
	return fmt.Sprintf("an environment that is %s can't be %s", e.state, e.step)
}

// on returns the state after step, or s itself and a *stepError.
func (s State) on(step step) (State, error) {
	next, ok := steps[s][step]
	if !ok {
		return s, &stepError{state: s, step: step}
	}
	return next, nil
}
