package lambdahttp

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// answerTo serves one of the events of testdata and returns the response as JSON.
func answerTo(t *testing.T, file string, h http.HandlerFunc) string {
	t.Helper()
	out, err := (&server{handler: h}).buffered(t.Context(), readEvent(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestOneResponseToEveryDoor(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("X-Tag", "one")
		w.Header().Add("X-Tag", "two")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"a":"<é>"}`)
	}
	const lists = `"multiValueHeaders":{"Content-Type":["application/json"],"Set-Cookie":["a=1","b=2"],"X-Tag":["one","two"]}`
	const joined = `"headers":{"Content-Type":"application/json","X-Tag":"one, two"},"cookies":["a=1","b=2"]`
	const body = `,"body":"{\"a\":\"<é>\"}","isBase64Encoded":false}`
	for file, want := range map[string]string{
		"rest.json":      `{"statusCode":201,` + lists + body,
		"http-1.0.json":  `{"statusCode":201,` + lists + body,
		"http-2.0.json":  `{"statusCode":201,` + joined + body,
		"url.json":       `{"statusCode":201,` + joined + body,
		"alb-multi.json": `{"statusCode":201,"statusDescription":"201 Created",` + lists + body,
		"alb.json": `{"statusCode":201,"statusDescription":"201 Created",` +
			`"headers":{"Content-Type":"application/json","Set-CookiE":"b=2","Set-Cookie":"a=1","X-Tag":"one, two"}` + body,
	} {
		t.Run(file, func(t *testing.T) {
			if got := answerTo(t, file, h); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestResponse(t *testing.T) {
	const textPlain = `"multiValueHeaders":{"Content-Type":["text/plain; charset=utf-8"]}`
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want string
	}{
		{"a handler that does nothing", func(http.ResponseWriter, *http.Request) {},
			`{"statusCode":200,"body":"","isBase64Encoded":false}`},
		{"the content type is found by the body", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") },
			`{"statusCode":200,` + textPlain + `,"body":"hello","isBase64Encoded":false}`},
		{"bytes that are no text travel as base64", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("\x89PNG\r\n\x1a\n")) },
			`{"statusCode":200,"multiValueHeaders":{"Content-Type":["image/png"]},"body":"iVBORw0KGgo=","isBase64Encoded":true}`},
		{"an error", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
			`{"statusCode":404,"multiValueHeaders":{"Content-Type":["text/plain; charset=utf-8"],"X-Content-Type-Options":["nosniff"]},"body":"404 page not found\n","isBase64Encoded":false}`},
		{"the first status counts", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204); w.WriteHeader(500) },
			`{"statusCode":204,"body":"","isBase64Encoded":false}`},
		{"an informational status is none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(202) },
			`{"statusCode":202,"body":"","isBase64Encoded":false}`},
		{"a header that comes too late", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(200)
			w.Header().Set("X-Late", "1")
		}, `{"statusCode":200,"multiValueHeaders":{"Content-Type":["text/plain"]},"body":"","isBase64Encoded":false}`},
		{"no content type is wanted", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			io.WriteString(w, "hello")
		}, `{"statusCode":200,"body":"hello","isBase64Encoded":false}`},
		{"headers that a server would not send so", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Bad Name", "1")
			w.Header().Set("X-Break", "a\r\nb")
		}, `{"statusCode":200,"multiValueHeaders":{"X-Break":["a  b"]},"body":"","isBase64Encoded":false}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := answerTo(t, "rest.json", c.h); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAResponseThatHasNoBody(t *testing.T) {
	answerTo(t, "rest.json", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotModified)
		if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
			t.Errorf("writing it: %v, want http.ErrBodyNotAllowed", err)
		}
	})
	event := change(t, readEvent(t, "rest.json"), map[string]any{"httpMethod": "HEAD"})
	s := &server{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })}
	out, err := s.buffered(t.Context(), event)
	const want = `{"statusCode":200,"multiValueHeaders":{"Content-Type":["text/plain; charset=utf-8"]},"body":"","isBase64Encoded":false}`
	if err != nil || string(out) != want {
		t.Errorf("HEAD: got %s, error %v; want %s", out, err, want)
	}
}

func TestABufferedResponseCannotBeFlushed(t *testing.T) {
	answerTo(t, "rest.json", func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(http.Flusher); ok {
			t.Error("it claims that it can: a handler of server-sent events would never know")
		}
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("flush: %v, want http.ErrNotSupported", err)
		}
	})
}

func TestPanics(t *testing.T) {
	serve := func(p any) (out []byte, panicked any, err error) {
		defer func() { panicked = recover() }()
		s := &server{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half")
			panic(p)
		})}
		out, err = s.buffered(t.Context(), readEvent(t, "rest.json"))
		return out, nil, err
	}
	if out, p, err := serve(http.ErrAbortHandler); !errors.Is(err, ErrAborted) || out != nil || p != nil {
		t.Errorf("an abort: answered %q, error %v, panicked with %v; want ErrAborted", out, err, p)
	}
	if _, p, _ := serve("oh"); p != "oh" {
		t.Errorf("a panic arrived as %v: package lambda has to report it", p)
	}
}

func TestInvalidStatusPanics(t *testing.T) {
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "42") {
			t.Errorf("panicked with %q, want the status in it, as net/http does it", p)
		}
	}()
	answerTo(t, "rest.json", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(42) })
}

func FuzzBody(f *testing.F) {
	f.Add([]byte("hello"))
	f.Add([]byte("\xff\x00"))
	f.Add([]byte("<é>\u2028\x00\\\""))
	f.Fuzz(func(t *testing.T, body []byte) {
		// What a handler writes comes back when the answer's body is an event's.
		echo := &server{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(body) })}
		out, err := echo.buffered(t.Context(), []byte(`{"httpMethod":"GET","path":"/","requestContext":{}}`))
		if err != nil {
			t.Fatal(err)
		}
		var a answer
		if err := json.Unmarshal(out, &a); err != nil {
			t.Fatal(err)
		}
		got, err := (&event{Body: a.Body, Base64: a.Base64}).body()
		if err != nil || string(got) != string(body) {
			t.Fatalf("%q became %q, error %v", body, got, err)
		}
	})
}
