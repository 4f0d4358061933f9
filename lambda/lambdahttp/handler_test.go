package lambdahttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berthdev/berth/lambda"
	"github.com/berthdev/berth/lambda/lambdahttp"
	"github.com/berthdev/berth/lambda/lambdatest"
)

func event(t testing.TB, file string) lambdatest.Event {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return lambdatest.Event{Payload: b, TenantID: "alice"}
}

func TestTheRequestsContextIsTheInvocations(t *testing.T) {
	f := lambdatest.Start(t, lambdahttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, _ := lambdahttp.FromContext(r.Context())
		deadline, ok := r.Context().Deadline()
		fmt.Fprint(w, lambda.TenantID(r.Context()), " by ", e.Source, ", ", ok && time.Until(deadline) > 0)
	})))
	got, err := f.Invoke(t.Context(), event(t, "url.json"))
	const want = `{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"alice by function URL, true","isBase64Encoded":false}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, error %v\nwant %s", got, err, want)
	}
}

func TestOtherEventsFail(t *testing.T) {
	for name, options := range map[string][]lambdahttp.Option{"buffered": nil, "streamed": {lambdahttp.WithStreaming()}} {
		t.Run(name, func(t *testing.T) {
			f := lambdatest.Start(t, lambdahttp.Handler(http.NotFoundHandler(), options...))
			_, err := f.Invoke(t.Context(), lambdatest.Event{Payload: []byte(`{"Records":[]}`)})
			if e, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || e.Type != "EventError" {
				t.Errorf("error %v, want an EventError", err)
			}
		})
	}
}

// open streams the response to one of the events of testdata.
func open(t *testing.T, file string, h http.HandlerFunc) *lambdatest.Stream {
	t.Helper()
	f := lambdatest.Start(t, lambdahttp.Handler(h, lambdahttp.WithStreaming()))
	s, err := f.Open(t.Context(), event(t, file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestServerSentEvents(t *testing.T) {
	// The bubble's clock stands still while an event is on its way, so each must
	// arrive at the second in which it was sent.
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := open(t, "url.json", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			flusher, ok := w.(http.Flusher)
			if !ok {
				t.Error("the writer is no http.Flusher")
				return
			}
			flusher.Flush() // the head alone
			for i := 1; i <= 2; i++ {
				time.Sleep(time.Second)
				fmt.Fprintf(w, "data: %d\n\n", i)
				flusher.Flush()
			}
		})
		head, err := s.Head()
		if err != nil || head.Headers["Content-Type"] != "text/event-stream" || time.Since(start) != 0 {
			t.Fatalf("head %+v, error %v, after %s", head, err, time.Since(start))
		}
		lines := bufio.NewReader(s)
		for i := 1; i <= 2; i++ {
			line, err := lines.ReadString('\n')
			if want := fmt.Sprintf("data: %d\n", i); line != want || err != nil || time.Since(start) != time.Duration(i)*time.Second {
				t.Errorf("%q, error %v, after %s; want %q after %d s", line, err, time.Since(start), want, i)
			}
			lines.ReadString('\n')
		}
		if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
			t.Errorf("then %q, error %v", rest, err)
		}
	})
}

func TestTheHeadOfAStream(t *testing.T) {
	h := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("X-Tag", "one")
		w.Header().Add("X-Tag", "two")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "1")
		io.WriteString(w, "<p>")
	}
	for file, want := range map[string]string{
		"url.json":  "418 map[Content-Type:text/html; charset=utf-8 X-Tag:one, two] map[] [a=1 b=2]",
		"rest.json": "418 map[] map[Content-Type:[text/html; charset=utf-8] Set-Cookie:[a=1 b=2] X-Tag:[one two]] []",
	} {
		t.Run(file, func(t *testing.T) {
			s := open(t, file, h)
			head, err := s.Head()
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(head.StatusCode, head.Headers, head.MultiValueHeaders, head.Cookies); got != want {
				t.Errorf("head %s\nwant %s", got, want)
			}
			if body, err := io.ReadAll(s); err != nil || string(body) != "<p>" {
				t.Errorf("body %q, error %v", body, err)
			}
		})
	}
}

func TestStreamsWithoutABody(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"nothing is written": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"nothing may be written": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("writing it: %v, want http.ErrBodyNotAllowed", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, "url.json", h)
			head, err := s.Head()
			if err != nil || head.StatusCode != 204 {
				t.Fatalf("head %+v, error %v", head, err)
			}
			if body, err := io.ReadAll(s); err != nil || len(body) > 0 {
				t.Errorf("body %q, error %v", body, err)
			}
		})
	}
}

func TestAnALBGetsAStreamAsAWhole(t *testing.T) {
	s := open(t, "alb.json", func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(http.Flusher); ok {
			t.Error("the writer claims that it can flush")
		}
		io.WriteString(w, "hello")
	})
	body, err := io.ReadAll(s)
	if err != nil || !strings.HasPrefix(string(body), `{"statusCode":200,"statusDescription":"200 OK",`) {
		t.Errorf("answered %s, error %v", body, err)
	}
}

func TestAnAbortMidwayIsAnErrorBehindTheStream(t *testing.T) {
	s := open(t, "url.json", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	if _, err := s.Head(); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(s)
	if _, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || string(body) != "half" {
		t.Errorf("body %q, error %v; want half of it and an error", body, err)
	}
}

func TestAClientWhoLeavesEndsTheRequestsContext(t *testing.T) {
	ended := make(chan error, 1)
	s := open(t, "url.json", func(w http.ResponseWriter, r *http.Request) {
		var err error
		for err == nil {
			_, err = w.Write(make([]byte, 32<<10))
		}
		<-r.Context().Done()
		ended <- err
	})
	if _, err := s.Head(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := <-ended; !errors.Is(err, lambda.ErrReaderGone) {
		t.Errorf("writing ended with %v, want ErrReaderGone", err)
	}
}

func ExampleHandler() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "order %s of %s\n", r.PathValue("id"), lambda.TenantID(r.Context()))
	})
	lambda.Start(lambdahttp.Handler(mux, lambdahttp.WithBasePath("/v1")))
}

func ExampleWithStreaming() {
	clock := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				fmt.Fprintf(w, "data: %s\n\n", now.Format(time.TimeOnly))
				if out.Flush() != nil {
					return // the client has left
				}
			case <-r.Context().Done():
				return
			}
		}
	})
	lambda.Start(lambdahttp.Handler(clock, lambdahttp.WithStreaming()))
}
