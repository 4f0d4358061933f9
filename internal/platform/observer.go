package platform

import (
	"time"

	"github.com/berthdev/berth/internal/telemetry"
	"github.com/berthdev/berth/internal/template"
)

// Observer is told what a platform does, as it does it: for a person, or for a
// program that reads what Berth prints. Its methods may be called from many
// goroutines.
type Observer interface {
	telemetry.Sink

	// Noticed is called for each thing in the template that is passed over.
	Noticed(template.Notice)
	// Building is called before a function is built from the folder dir, and
	// Built when it is ready to be invoked.
	Building(function, dir string)
	Built(function string, took time.Duration)
	// Reloaded is called when what was built of changed files serves, and Failed
	// when they can't be built: then what ran before goes on.
	Reloaded(function string, took time.Duration)
	Failed(error)
	// Ready is called once, when every listener answers.
	Ready(Summary)
}

// blind is the observer of a platform that nobody looks at.
type blind struct{ telemetry.Discard }

func (blind) Noticed(template.Notice)        {}
func (blind) Building(string, string)        {}
func (blind) Built(string, time.Duration)    {}
func (blind) Reloaded(string, time.Duration) {}
func (blind) Failed(error)                   {}
func (blind) Ready(Summary)                  {}
