package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/berthdev/berth/internal/sandbox/namespace"
)

func TestMain(m *testing.M) {
	namespace.Stage() // this binary is the inside of sandboxes, too
	testscript.Main(m, map[string]func(){"berth": main})
}

// TestScripts runs the command as it is typed; each script in testdata is one
// behaviour.
func TestScripts(t *testing.T) {
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPOSITORY", repository)
			for _, name := range []string{"HOME", "GOPATH", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY", "XDG_CACHE_HOME"} {
				if value, ok := os.LookupEnv(name); ok {
					env.Setenv(name, value)
				}
			}
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("BUSY", busy(env))
			return nil
		},
	})
}

// busy is an address that somebody listens on until the script ends.
func busy(env *testscript.Env) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		env.T().Fatal(err)
	}
	env.Defer(func() { listener.Close() })
	return listener.Addr().String()
}
