// Package host is what a function finds around it: its environment variables,
// and the way to its Runtime API.
//
// lambda.Start uses the process's own. Package lambdatest makes one up, so that
// a handler can be run in a test without a process.
package host

import (
	"io"
	"os"

	"github.com/berthdev/berth/lambda/internal/runtimeapi"
)

// Host is where a function runs.
type Host struct {
	// Getenv looks an environment variable up: "" when it isn't set.
	Getenv func(key string) string
	// Setenv sets one; nil when there is nothing to set.
	Setenv func(key, value string) error
	// Dial connects to the Runtime API at an address. concurrent tells that
	// there will be many connections at once. Close must end a blocked Read.
	Dial func(address string, concurrent bool) (io.ReadWriteCloser, error)
}

// Process is the process that we are.
func Process() Host {
	return Host{Getenv: os.Getenv, Setenv: os.Setenv, Dial: runtimeapi.Dial}
}
