package environment_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/sandboxtest"
	"github.com/berthdev/berth/internal/telemetry"
)

// streaming answers every event with what write writes.
func streaming(write func(p *sandboxtest.Program, w *io.PipeWriter) http.Header, said *[]string) func(*sandboxtest.Program) sandbox.Exit {
	return func(p *sandboxtest.Program) sandbox.Exit {
		for {
			e, err := p.Next()
			if err != nil {
				return sandbox.Exit{}
			}
			r, w := io.Pipe()
			trailer := http.Header{"Lambda-Runtime-Function-Error-Type": nil, "Lambda-Runtime-Function-Error-Body": nil}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for k, v := range write(p, w) {
					trailer[k] = v
				}
				w.Close()
			}()
			_, body := p.Stream(e, r, trailer)
			r.Close()
			<-done
			*said = append(*said, body)
		}
	}
}

func stream(t *testing.T, s *stage, id string) *environment.Answer {
	t.Helper()
	inv := event(id, "alice", "{}")
	inv.Stream = true
	a, err := s.Invoke(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	if a.Stream == nil {
		t.Fatalf("the answer is no stream: %s", a.Payload)
	}
	return a
}

func TestStreamArrivesPieceByPiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		s := start(t, streaming(func(_ *sandboxtest.Program, w *io.PipeWriter) http.Header {
			_, _ = io.WriteString(w, "one")
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, "two")
			return nil
		}, &said), nil)
		begin := time.Now()
		a := stream(t, s, "r1")
		if a.ContentType != "text/plain" {
			t.Errorf("content type %q", a.ContentType)
		}
		b := make([]byte, 10)
		if n, err := a.Stream.Read(b); string(b[:n]) != "one" || err != nil || time.Since(begin) != 0 {
			t.Errorf("first %q, %v after %s", b[:n], err, time.Since(begin))
		}
		rest, err := io.ReadAll(a.Stream)
		if string(rest) != "two" || err != nil || time.Since(begin) != time.Second {
			t.Errorf("then %q, %v after %s", rest, err, time.Since(begin))
		}
		<-a.Done()
		synctest.Wait()
		if r := a.Report(); r.Produced != 6 || r.Status != telemetry.Success || r.Duration != time.Second {
			t.Errorf("%+v", r)
		}
		if len(said) != 1 || said[0] != `{"status":"OK"}` {
			t.Errorf("the runtime was told %q", said)
		}
	})
}

func TestStreamIsCollectedForACallerWhoWantsItWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		s := start(t, streaming(func(_ *sandboxtest.Program, w *io.PipeWriter) http.Header {
			_, _ = io.WriteString(w, "one")
			_, _ = io.WriteString(w, "two")
			return nil
		}, &said), nil)
		if a := invoke(t, s, event("r1", "alice", "{}")); string(a.Payload) != "onetwo" || a.Stream != nil {
			t.Errorf("answer %s, stream %v", a.Payload, a.Stream)
		}
	})
}

// Source: AWS Lambda developer guide, runtimes-custom (response streaming).
func TestStreamThatFailsMidway(t *testing.T) {
	for _, tt := range []struct {
		name    string
		write   func(*sandboxtest.Program, *io.PipeWriter) http.Header
		kind    string
		payload string
		status  telemetry.Status
	}{
		{"the function says so", func(_ *sandboxtest.Program, w *io.PipeWriter) http.Header {
			_, _ = io.WriteString(w, "one")
			return http.Header{"Lambda-Runtime-Function-Error-Type": {"Function.Broken"}, "Lambda-Runtime-Function-Error-Body": {"eyJhIjoxfQ=="}}
		}, "Function.Broken", `{"a":1}`, telemetry.Failed},
		{"it takes too long", func(p *sandboxtest.Program, w *io.PipeWriter) http.Header {
			_, _ = io.WriteString(w, "one")
			<-p.Killed
			return nil
		}, "Sandbox.Timedout", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r1 Error: Task timed out after 3.00 seconds"}`, telemetry.Timeout},
		{"its process ends", func(p *sandboxtest.Program, w *io.PipeWriter) http.Header {
			_, _ = io.WriteString(w, "one")
			time.Sleep(time.Second)
			p.Crash(sandbox.Exit{Code: 9})
			return nil
		}, "Runtime.ExitError", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r1 Error: Runtime exited with error: exit status 9"}`, telemetry.Failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said []string
				s := start(t, streaming(tt.write, &said), nil)
				a := stream(t, s, "r1")
				got, err := io.ReadAll(a.Stream)
				var failure *environment.StreamError
				if string(got) != "one" || !errors.As(err, &failure) || failure.Type != tt.kind || string(failure.Payload) != tt.payload {
					t.Errorf("%q, then %v, want %s %s", got, failure, tt.kind, tt.payload)
				}
				<-a.Done()
				if r := a.Report(); r.Status != tt.status || r.ErrorType != tt.kind {
					t.Errorf("report: %s, %s", r.Status, r.ErrorType)
				}
			})
		})
	}
}

func TestReaderWhoLeavesIsNoticedByTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		var werr error
		s := start(t, streaming(func(_ *sandboxtest.Program, w *io.PipeWriter) http.Header {
			for werr == nil {
				_, werr = io.WriteString(w, strings.Repeat("x", 1<<20))
			}
			return nil
		}, &said), nil)
		a := stream(t, s, "r1")
		if _, err := io.ReadFull(a.Stream, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		a.Stream.Close()
		<-a.Done()
		synctest.Wait()
		if werr == nil || s.State() != environment.Idle {
			t.Errorf("the function's write: %v; the environment is %s", werr, s.State())
		}
	})
}
