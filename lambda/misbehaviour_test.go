package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

const event = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nContent-Length: 7\r\n\r\n{\"n\":1}"

func refusal(status int, typ string) string {
	body := fmt.Sprintf(`{"errorMessage":"no","errorType":%q}`, typ)
	return fmt.Sprintf("HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// What the platform says to next, and what Run makes of it.
func TestNextMisbehaves(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		problem      string // in Run's error; "" when the handler is called
	}{
		{"slowly, but well", event, ""},
		{"headers in another case and order", "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nlambda-runtime-aws-request-id: 1\r\n\r\n{\"n\":1}", ""},
		{"in chunks", "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"n\r\n4\r\n\":1}\r\n0\r\n\r\n", ""},
		{"no request ID", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "next: malformed answer: no usable Lambda-Runtime-Aws-Request-Id"},
		{"a request ID that would break a request", "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "no usable"},
		{"no event", "HTTP/1.1 204 No Content\r\n\r\n", "neither an event nor a refusal"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "malformed answer: Content-Length"},
		{"something else than HTTP", "220 mail.example.com ESMTP\r\n\r\n", "malformed answer: status line"},
		{"a redirection", "HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n", "next: status 302"},
		{"400", refusal(400, "InvalidRequestID"), "next: status 400: InvalidRequestID: no"},
		{"403", refusal(403, "InvalidStateTransition"), "next: status 403: InvalidStateTransition: no"},
		{"404 as text", "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", "next: status 404: not found"},
		{"410", refusal(410, "InvokeTimeout"), "next: status 410"},
		{"500", refusal(500, "InternalServerError"), "next: status 500: InternalServerError: no"},
		{"503 without a body", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "next: status 503"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t)
			r := p.start(Bytes(echo))
			c := p.accept()
			c.expect("GET /2018-06-01/runtime/invocation/next")
			for _, b := range []byte(tt.answer) { // byte by byte: each is a packet of its own
				c.Conn.Write([]byte{b})
			}
			if tt.problem == "" {
				if got := c.answer("1"); got.body != `{"n":1}` {
					t.Errorf("answered %s", got.body)
				}
				return
			}
			if err := r.wait(); err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("Run returned %v, want %s", err, tt.problem)
			}
		})
	}
}

// Wherever the connection breaks, the runtime asks again, once.
func TestNextBreaksOff(t *testing.T) {
	for at := range len(event) {
		t.Run(fmt.Sprint("after ", at), func(t *testing.T) {
			p := newPlatform(t)
			p.start(Bytes(echo))
			c := p.accept()
			c.expect("GET /2018-06-01/runtime/invocation/next")
			c.say(event[:at])
			c.Close()
			c = p.accept()
			c.expect("GET /2018-06-01/runtime/invocation/next")
			c.say(event)
			c.answer("1")
		})
	}
}

func TestNextBreaksOffTwice(t *testing.T) {
	p := newPlatform(t)
	r := p.start(Bytes(echo))
	for range 2 {
		c := p.accept()
		c.expect("GET /2018-06-01/runtime/invocation/next")
		c.Close()
	}
	if err := r.wait(); err == nil || !strings.HasPrefix(err.Error(), "next: ") {
		t.Errorf("Run returned %v", err)
	}
}

// The answer has arrived or not: the runtime can't know, and sends it again.
func TestResponseBreaksOff(t *testing.T) {
	for at := range len(accepted) {
		t.Run(fmt.Sprint("after ", at), func(t *testing.T) {
			p := newPlatform(t)
			p.start(Bytes(echo))
			c := p.accept()
			c.invoke("1", `{"n":1}`)
			c.expect("POST /2018-06-01/runtime/invocation/1/response")
			c.say(accepted[:at])
			c.Close()
			c = p.accept()
			if got := c.expect("POST /2018-06-01/runtime/invocation/1/response"); got.body != `{"n":1}` {
				t.Errorf("sent %s the second time", got.body)
			}
			c.say(refusal(400, "InvalidRequestID"))
			c.expect("GET /2018-06-01/runtime/invocation/next")
			if log := p.log.String(); strings.Contains(log, "ERROR") {
				t.Errorf("what had arrived was logged as lost: %s", log)
			}
		})
	}
}

func TestResponseIsRefused(t *testing.T) {
	for _, tt := range []struct {
		status  int
		typ     string
		problem string // in Run's error; "" when it goes on
	}{
		{400, "InvalidRequestID", ""},
		{400, "InvalidInvocationId", ""},
		{403, "InvalidStateTransition", ""},
		{404, "NotFound", ""},
		{410, "InvokeTimeout", ""},
		{413, "RequestEntityTooLarge", ""},
		{500, "InternalServerError", "response: status 500: InternalServerError"},
		{503, "Unavailable", "response: status 503"},
	} {
		t.Run(fmt.Sprint(tt.status, tt.typ), func(t *testing.T) {
			p := newPlatform(t)
			r := p.start(Bytes(echo))
			c := p.accept()
			c.invoke("1", `{}`)
			c.expect("POST /2018-06-01/runtime/invocation/1/response")
			c.say(refusal(tt.status, tt.typ))
			if tt.problem != "" {
				if err := r.wait(); err == nil || !strings.Contains(err.Error(), tt.problem) {
					t.Errorf("Run returned %v, want %s", err, tt.problem)
				}
				return
			}
			c.invoke("2", `{}`)
			c.answer("2")
			want := fmt.Sprintf(`level=ERROR msg="answer not delivered" error="response: status %d: %s: no" requestId=1`, tt.status, tt.typ)
			if log := p.log.String(); !strings.Contains(log, want) {
				t.Errorf("logged %s\nwant %s", log, want)
			}
		})
	}
}

func TestErrorIsRefused(t *testing.T) {
	p := newPlatform(t)
	r := p.start(Func(func(context.Context, any) (any, error) { return nil, errors.New("no") }))
	c := p.accept()
	c.invoke("1", `{}`)
	c.expect("POST /2018-06-01/runtime/invocation/1/error")
	c.say(refusal(403, "InvalidStateTransition"))
	c.invoke("2", `{}`)
	c.expect("POST /2018-06-01/runtime/invocation/2/error")
	c.say(refusal(500, "InternalServerError"))
	if err := r.wait(); err == nil || !strings.Contains(err.Error(), "error: status 500") {
		t.Errorf("Run returned %v", err)
	}
}

// A platform that refuses a response for its size doesn't read it to the end.
func TestResponseIsRefusedUnread(t *testing.T) {
	p := newPlatform(t)
	large := bytes.Repeat([]byte("x"), 32<<20)
	p.start(Bytes(func(_ context.Context, event []byte) ([]byte, error) {
		if len(event) > 2 {
			return event, nil
		}
		return large, nil
	}))
	c := p.accept()
	c.invoke("1", `{}`)
	// The refusal reaches the runtime, or is lost because the connection is reset:
	// then the response comes once more, and is refused once more.
	for {
		r := c.head()
		if r.URL.Path == "/2018-06-01/runtime/invocation/next" {
			break
		}
		c.say("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 37\r\n\r\n" + `{"errorType":"RequestEntityTooLarge"}`)
		c.Close()
		c = p.accept()
	}
	c.say(event)
	c.answer("1")
	if log := p.log.String(); !strings.Contains(log, "status 413: RequestEntityTooLarge") {
		t.Errorf("logged %s", log)
	}
}

// What nobody asked for must not be taken for the next answer: it could be
// another invocation's.
func TestAnswersWithMoreThanTheirLength(t *testing.T) {
	p := newPlatform(t)
	p.start(Bytes(echo))
	c := p.accept()
	c.invoke("1", `{}`)
	c.expect("POST /2018-06-01/runtime/invocation/1/response")
	c.say(accepted + "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: smuggled\r\nContent-Length: 2\r\n\r\n{}")
	c = p.accept()
	c.invoke("2", `{}`)
	c.answer("2")
}

// The server closes the connection between two requests, and says so or not.
func TestConnectionIsClosedBetweenRequests(t *testing.T) {
	for _, header := range []string{"Connection: close", "X: y"} {
		t.Run(header, func(t *testing.T) {
			p := newPlatform(t)
			p.start(Bytes(echo))
			for range 3 {
				c := p.accept()
				c.invoke("1", `{}`, header)
				c.Close()
				c = p.accept()
				c.expect("POST /2018-06-01/runtime/invocation/1/response")
				c.say("HTTP/1.1 202 Accepted\r\n" + header + "\r\nContent-Length: 0\r\n\r\n")
				c.Close()
			}
		})
	}
}

func TestNoServerThere(t *testing.T) {
	p := newPlatform(t)
	p.listener.Close()
	if err := p.start(Bytes(echo)).wait(); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("Run returned %v", err)
	}
}

func TestRuntimeAPIAddresses(t *testing.T) {
	for _, tt := range []struct{ address, problem string }{
		{"nowhere", `"nowhere" is no host:port`},
		{"127.0.0.1:http", "is no host:port"},
		{"127.0.0.1:65536", "is no host:port"},
		{"no.such.name.invalid:9001", "not in /etc/hosts"},
	} {
		p := newPlatform(t)
		p.env["AWS_LAMBDA_RUNTIME_API"] = tt.address
		if err := p.start(Bytes(echo)).wait(); err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: Run returned %v, want %s", tt.address, err, tt.problem)
		}
	}
}

func TestRuntimeAPIByName(t *testing.T) {
	p := newPlatform(t)
	_, port, _ := net.SplitHostPort(p.listener.Addr().String())
	p.env["AWS_LAMBDA_RUNTIME_API"] = "localhost:" + port
	p.start(Bytes(echo))
	c := p.accept()
	if r := c.head(); r.Host != "localhost:"+port {
		t.Errorf("Host is %s", r.Host)
	}
}

func TestOutsideLambda(t *testing.T) {
	p := newPlatform(t)
	p.env = nil
	if err := p.start(Bytes(echo)).wait(); !errors.Is(err, ErrNotLambda) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Run returned %v", err)
	}
}
