// Package runtimeapi speaks HTTP/1.1 to the one server that a Lambda function
// ever talks to by itself, the Runtime API.
//
// A [Client] has one connection that it keeps, and buffers that it uses again. It
// knows nothing of handlers. The rules for a server that misbehaves stand in one
// place, the method call.
// Source: AWS Lambda developer guide, runtimes-api.
package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
)

const invocations = "/2018-06-01/runtime/invocation/"

// Client makes the calls of one runtime, one at a time. Only Interrupt may be
// called while another method runs.
type Client struct {
	dial func() (io.ReadWriteCloser, error)
	host string // what the requests name as their Host

	conn  io.ReadWriteCloser // nil when there is none; guarded by mu while waiting
	in    input
	head  head
	out   []byte // a request's head, and a small body behind it
	event Event
	texts texts

	mu          sync.Mutex
	waiting     bool // a call waits for the platform to have something
	interrupted bool
}

// New returns a client that connects by dial when it has its first call to make.
func New(host string, dial func() (io.ReadWriteCloser, error)) *Client {
	return &Client{host: host, dial: dial}
}

// Close closes the connection. No other method may run, or be called after it.
func (c *Client) Close() {
	c.drop()
}

// Interrupt ends a Next or AwaitShutdown that waits, and makes later ones return
// at once, both with [ErrInterrupted]. A call that answers an invocation is left
// to finish.
func (c *Client) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	if c.waiting && c.conn != nil {
		c.conn.Close() // the waiting call drops it
	}
}

// Next blocks until the platform hands over an invocation, or Interrupt is
// called. The event belongs to the client: it is valid until the next call of
// Next, and its Body until the next call of any method. An answer without a
// request ID is a *ProtocolError, any other status than 200 a *StatusError.
func (c *Client) Next() (*Event, error) {
	c.out = c.request(c.out[:0], "GET", invocations, "next", "")
	c.out = append(c.out, "\r\n"...)
	body, err := c.wait("next")
	if err != nil {
		return nil, err
	}
	if err := c.event.read(&c.head, &c.texts); err != nil {
		return nil, &ProtocolError{Op: "next", Problem: err.Error()}
	}
	c.event.Body = body
	return &c.event, nil
}

// OwnBody returns the body of the event that Next returned last, for good: the
// client won't use its memory again. It may be called once for each event.
func (c *Client) OwnBody() []byte { return c.in.own(c.event.Body) }

// Respond sends the function's answer to an invocation.
func (c *Client) Respond(to *Event, contentType string, body []byte) error {
	c.out = c.answer(c.out[:0], to, "/response", contentType)
	return c.post("response", body)
}

// Fail sends the report of a function's error. errorType is for the platform's
// telemetry: "Function." or "Runtime." and letters. cause is X-Ray's view of it,
// JSON in ASCII, or empty.
func (c *Client) Fail(to *Event, errorType string, report []byte, cause string) error {
	c.out = c.answer(c.out[:0], to, "/error", "application/json")
	c.out = appendField(c.out, ErrorType, errorType)
	if cause != "" {
		c.out = appendField(c.out, XRayErrorCause, cause)
	}
	return c.post("error", report)
}

// FailInit sends the report of an error before the first Next.
func (c *Client) FailInit(errorType string, report []byte) error {
	c.out = c.request(c.out[:0], "POST", "/2018-06-01/runtime/init/error", "", "")
	c.out = appendField(c.out, "Content-Type", "application/json")
	c.out = appendField(c.out, ErrorType, errorType)
	return c.post("init/error", report)
}

// Register makes the process an internal extension that asks for no events, and
// returns the extension's identifier.
// Source: AWS Lambda developer guide, runtimes-extensions-api.
func (c *Client) Register(name string) (id string, err error) {
	const body = `{"events":[]}`
	c.out = c.request(c.out[:0], "POST", "/2020-01-01/extension/register", "", "")
	c.out = appendField(c.out, "Content-Type", "application/json")
	c.out = appendField(c.out, "Lambda-Extension-Name", name)
	c.out = appendField(c.out, "Content-Length", strconv.Itoa(len(body)))
	c.out = append(append(c.out, "\r\n"...), body...)
	if _, _, err := c.call("extension/register", nil); err != nil {
		return "", err
	}
	if id = string(c.head.get("Lambda-Extension-Identifier")); id == "" {
		return "", &ProtocolError{Op: "extension/register", Problem: "no Lambda-Extension-Identifier"}
	}
	return id, nil
}

// AwaitShutdown makes the extension ready and blocks until the platform has an
// event for it, which for one without events is never, or Interrupt is called.
func (c *Client) AwaitShutdown(id string) error {
	c.out = c.request(c.out[:0], "GET", "/2020-01-01/extension/event/next", "", "")
	c.out = appendField(c.out, "Lambda-Extension-Identifier", id)
	c.out = append(c.out, "\r\n"...)
	_, err := c.wait("extension/event/next")
	return err
}

// request begins a request's head; its path is given in three parts.
func (c *Client) request(out []byte, method, path, id, end string) []byte {
	out = append(append(append(append(append(out, method...), ' '), path...), id...), end...)
	out = append(append(out, " HTTP/1.1\r\nHost: "...), c.host...)
	return append(out, "\r\n"...)
}

// answer begins a request about an invocation.
func (c *Client) answer(out []byte, to *Event, end, contentType string) []byte {
	out = c.request(out, "POST", invocations, to.RequestID, end)
	out = appendField(out, "Content-Type", contentType)
	if to.InvocationID != "" {
		out = appendField(out, InvocationID, to.InvocationID)
	}
	return out
}

func appendField(out []byte, name, value string) []byte {
	return append(append(append(append(out, name...), ": "...), value...), "\r\n"...)
}

// post ends the head in c.out and sends it with the body.
func (c *Client) post(op string, body []byte) error {
	c.out = append(c.out, "Content-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	if len(body) <= smallBody { // one write, one segment
		c.out, body = append(c.out, body...), nil
	}
	_, again, err := c.call(op, body)
	if again && err != nil {
		if refused, ok := errors.AsType[*StatusError](err); ok && (refused.Status == 400 || refused.Status == 403) {
			return nil // the first one had arrived
		}
	}
	return err
}

// wait is call for what may take as long as the platform likes.
func (c *Client) wait(op string) ([]byte, error) {
	if !c.setWaiting(true) {
		return nil, ErrInterrupted
	}
	body, _, err := c.call(op, nil)
	if !c.setWaiting(false) && err != nil {
		return nil, ErrInterrupted
	}
	return body, err
}

// setWaiting reports false when the client has been interrupted.
func (c *Client) setWaiting(on bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = on
	return !c.interrupted
}

// call sends c.out and body and reads the answer, whose head is then in c.head.
// These are the rules for a server that misbehaves:
//
//   - A connection that breaks, at whatever point, is replaced once and the
//     request is sent again. To ask for the next event twice is harmless; an
//     answer that comes twice is refused the second time, by 400 or 403, which
//     the caller takes for success.
//   - A second break in a row is an error, as is a server that can't be reached.
//   - An answer that can't be understood is a *ProtocolError, at once.
//   - Bytes that nobody asked for end the connection before its next use.
//   - A status that is no success is a *StatusError.
//   - There are no timeouts: a frozen process can't tell time, and the platform
//     ends an invocation that takes too long.
func (c *Client) call(op string, body []byte) (answer []byte, again bool, err error) {
	for attempt := range 2 {
		again = attempt > 0
		if err := c.connect(); err != nil {
			return nil, again, fmt.Errorf("%s: %w", op, err)
		}
		answer, err = c.exchange(body)
		if err == nil {
			if c.head.close {
				c.drop()
			}
			return answer, again, c.refusal(op, answer)
		}
		c.drop()
		if bad, ok := errors.AsType[malformed](err); ok {
			return nil, again, &ProtocolError{Op: op, Problem: string(bad)}
		}
		if c.isInterrupted() {
			break
		}
	}
	return nil, again, fmt.Errorf("%s: %w", op, err)
}

// exchange writes one request and reads one answer.
func (c *Client) exchange(body []byte) ([]byte, error) {
	_, unsent := c.conn.Write(c.out)
	if unsent == nil && len(body) > 0 {
		_, unsent = c.conn.Write(body)
	}
	answer, err := c.receive()
	if unsent != nil {
		// A server that refuses a body need not read it: what it said counts.
		if err != nil {
			return nil, unsent
		}
		c.head.close = true
	}
	return answer, err
}

// receive reads one answer, passing over interim ones such as 100 Continue.
func (c *Client) receive() ([]byte, error) {
	for {
		text, err := c.in.head()
		if err != nil {
			return nil, err
		}
		if err := c.head.parse(text); err != nil {
			return nil, err
		}
		if c.head.status == 101 {
			return nil, malformed("switches to another protocol")
		}
		if c.head.status >= 200 {
			return c.in.body(&c.head)
		}
	}
}

// refusal is the error of an answer that is no success.
func (c *Client) refusal(op string, answer []byte) error {
	if s := c.head.status; s >= 200 && s < 300 {
		return nil
	}
	var said struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(answer, &said) != nil {
		said.ErrorMessage = clip(answer)
	}
	return &StatusError{Op: op, Status: c.head.status, Type: said.ErrorType, Message: said.ErrorMessage}
}

// connect makes sure that there is a connection in step with the server.
func (c *Client) connect() error {
	if c.conn != nil && !c.in.pending() {
		return nil
	}
	c.drop()
	conn, err := c.dial()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupted && c.waiting {
		conn.Close()
		return ErrInterrupted
	}
	c.conn = conn
	c.in.reset(conn)
	return nil
}

func (c *Client) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

func (c *Client) isInterrupted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.interrupted && c.waiting
}
