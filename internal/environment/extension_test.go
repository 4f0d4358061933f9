package environment_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
)

const extensions = "/2020-01-01/extension"

// register makes an internal extension known and returns its identifier.
func register(p *sandboxtest.Program, events string) (id string, status int, body string) {
	status, body, header := p.Do(http.MethodPost, extensions+"/register", `{"events":[`+events+`]}`,
		http.Header{"Lambda-Extension-Name": {"inside"}})
	return header.Get("Lambda-Extension-Identifier"), status, body
}

// next asks for the next event of the extension id.
func next(p *sandboxtest.Program, id string) (int, string) {
	status, body, _ := p.Do(http.MethodGet, extensions+"/event/next", "", http.Header{"Lambda-Extension-Identifier": {id}})
	return status, body
}

// Source: AWS Lambda developer guide, lambda-runtime-environment: with an
// internal extension there are 500 ms between SIGTERM and SIGKILL; without any
// there is no SIGTERM.
func TestShutdown(t *testing.T) {
	for _, tt := range []struct {
		name      string
		extension bool
		lingers   time.Duration // after SIGTERM
		took      time.Duration
		killed    bool
	}{
		{"without an extension there is no SIGTERM", false, 0, 0, true},
		{"with one there is, and time to end", true, 100 * time.Millisecond, 100 * time.Millisecond, false},
		{"but not for ever", true, time.Minute, 500 * time.Millisecond, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				killed := false
				s := start(t, func(p *sandboxtest.Program) sandbox.Exit {
					var wg sync.WaitGroup
					if tt.extension {
						id, _, _ := register(p, "")
						wg.Go(func() { next(p, id) })
					}
					wg.Go(func() { _, _ = p.Next() })
					select {
					case <-p.Terminated:
						select {
						case <-p.Killed:
							killed = true
						case <-time.After(tt.lingers):
						}
					case <-p.Killed:
						killed = true
					}
					if !killed { // an exit closes the process's connections
						p.Exit()
					}
					wg.Wait()
					return sandbox.Exit{}
				}, nil)
				begin := time.Now()
				s.end()
				if took := time.Since(begin); took != tt.took || killed != tt.killed {
					t.Errorf("ended after %s (killed: %v), want %s (killed: %v)", took, killed, tt.took, tt.killed)
				}
			})
		})
	}
}

func TestInitEndsWhenExtensionsHaveAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var told string
		s := start(t, func(p *sandboxtest.Program) sandbox.Exit {
			id, _, _ := register(p, `"INVOKE"`)
			var wg sync.WaitGroup
			wg.Go(func() {
				time.Sleep(time.Second)
				_, told = next(p, id)
				time.Sleep(time.Second) // works on behind the runtime's answer
				next(p, id)
			})
			exit := sandboxtest.Serve(echo)(p)
			wg.Wait()
			return exit
		}, nil)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("ready after %s, want 1s: the extension was not", took)
		}
		a := invoke(t, s, event("r1", "alice", "{}"))
		if !strings.HasPrefix(told, `{"eventType":"INVOKE","deadlineMs":`) || !strings.Contains(told, `"requestId":"r1","invokedFunctionArn":"arn:`) {
			t.Errorf("the extension got %s", told)
		}
		if r := a.Report(); r.Duration != time.Second || r.Response != 0 {
			t.Errorf("duration %s, response %s; want 1s, 0s: the invocation ends with the extension", r.Duration, r.Response)
		}
	})
}

// Source: AWS Lambda developer guide, runtimes-extensions-api.
func TestExtensionsAPIRefuses(t *testing.T) {
	var got []string
	say := func(what string, status int, body string) {
		got = append(got, fmt.Sprintf("%s: %d %s", what, status, body))
	}
	synctest.Test(t, func(t *testing.T) {
		start(t, func(p *sandboxtest.Program) sandbox.Exit {
			post := func(path string, header http.Header) (int, string) {
				return p.Post(extensions+path, `{"events":[]}`, header)
			}
			s, b := post("/register", nil)
			say("no name", s, b)
			_, s, b = register(p, `"SHUTDOWN"`)
			say("an event for external ones", s, b)
			s, b = post("/init/error", nil)
			say("no identifier", s, b)
			s, b = post("/init/error", http.Header{"Lambda-Extension-Identifier": {"x"}})
			say("an identifier that is none", s, b)
			s, b = post("/exit/error", http.Header{"Lambda-Extension-Identifier": {"00000000-0000-0000-0000-000000000000"}})
			say("an unknown identifier", s, b)
			for range 10 {
				id, s, b := register(p, "")
				if s != http.StatusOK || id == "" || b != `{"functionName":"counter","functionVersion":"$LATEST","handler":""}` {
					t.Errorf("register: %d %s %q", s, b, id)
				}
			}
			_, s, b = register(p, "")
			say("an eleventh", s, b)
			return sandbox.Exit{}
		}, nil)
	})
	want := []string{
		`no name: 403 {"errorMessage":"Empty extension name","errorType":"Extension.InvalidExtensionName"}`,
		`an event for external ones: 403 {"errorMessage":"SHUTDOWN: Invalid event type","errorType":"Extension.InvalidEventType"}`,
		`no identifier: 403 {"errorMessage":"Missing Lambda-Extension-Identifier header","errorType":"Extension.MissingExtensionIdentifier"}`,
		`an identifier that is none: 403 {"errorMessage":"Invalid Lambda-Extension-Identifier","errorType":"Extension.InvalidExtensionIdentifier"}`,
		`an unknown identifier: 403 {"errorMessage":"Unknown extension 00000000-0000-0000-0000-000000000000","errorType":"Extension.UnknownExtensionIdentifier"}`,
		`an eleventh: 403 {"errorMessage":"Extension limit (10) reached","errorType":"Extension.TooManyExtensions"}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("answers:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
