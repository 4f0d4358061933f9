package environment

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/telemetry"
)

// runtimeAPI is the HTTP API that an environment's process finds at
// AWS_LAMBDA_RUNTIME_API. Each environment has one of its own, so no request
// needs to say who it is.
// Source: AWS Lambda developer guide, runtimes-api.
type runtimeAPI struct {
	env   *Environment
	begin time.Time // of the init
}

const apiVersion = "/2018-06-01"

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Date"] = nil // Lambda's has none
	if path, ok := strings.CutPrefix(r.URL.Path, extensionsAPI); ok {
		a.serveExtension(w, r, path)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, apiVersion)
	if !ok {
		http.NotFound(w, r)
		return
	}
	var serve func(http.ResponseWriter, *http.Request)
	method := http.MethodPost
	switch {
	case path == "/runtime/invocation/next":
		method, serve = http.MethodGet, a.next
	case path == "/runtime/init/error":
		serve = a.initError
	case path == "/ping":
		method, serve = http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pong") }
	default:
		rest, found := strings.CutPrefix(path, "/runtime/invocation/")
		id, what, _ := strings.Cut(rest, "/")
		switch {
		case found && what == "response":
			serve = func(w http.ResponseWriter, r *http.Request) { a.response(w, r, id) }
		case found && what == "error":
			serve = func(w http.ResponseWriter, r *http.Request) { a.invocationError(w, r, id) }
		default:
			http.NotFound(w, r)
			return
		}
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	serve(w, r)
}

// next ends the invocation before, if there was one, and blocks until there is
// another.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	if err := a.env.ask(a.begin); err != nil {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", transition(err))
		return
	}
	select {
	case c := <-a.env.work:
		c.writeTo(w, a.env.cfg.Version.Timeout)
	case <-r.Context().Done(): // the process has closed its connection, or ended
	case <-a.env.gone:
	}
}

// ask notes that the runtime asks for an event. It fails while the current
// invocation has no answer.
func (e *Environment) ask(begin time.Time) error {
	e.mu.Lock()
	if c := e.current; c != nil && (!c.hasAnswer() || c.streaming) {
		e.mu.Unlock()
		return &stepError{state: Busy, step: asked}
	}
	e.asked = true
	e.mu.Unlock()
	return e.advance(begin)
}

// advance makes the step from init or busy to idle, once the runtime and all
// extensions have asked for their next event.
func (e *Environment) advance(begin time.Time) error {
	e.mu.Lock()
	before := e.state
	after, err := before.on(asked)
	if err != nil || !e.asked || slices.ContainsFunc(e.extensions, func(x *extension) bool { return !x.asked }) {
		e.mu.Unlock()
		return err
	}
	c := e.current
	if c != nil && !c.timer.Stop() { // its time is up: timedOut ends the environment
		e.mu.Unlock()
		return &stepError{state: Draining, step: asked}
	}
	if before == Init {
		e.took = time.Since(begin)
		close(e.ready)
	}
	e.state, e.current = after, nil
	e.mu.Unlock()

	if c != nil {
		e.finish(c)
	}
	if before != after {
		e.cfg.Changed(after)
	}
	return nil
}

// writeTo answers next with the event.
func (c *call) writeTo(w http.ResponseWriter, timeout time.Duration) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{c.inv.RequestID}
	h["Lambda-Runtime-Invocation-Id"] = []string{c.attempt}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(c.begin.Add(timeout).UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{c.inv.InvokedARN}
	for _, optional := range []struct{ name, value string }{
		{"Lambda-Runtime-Trace-Id", c.inv.TraceID},
		{"Lambda-Runtime-Aws-Tenant-Id", string(c.inv.Tenant)},
		{"Lambda-Runtime-Client-Context", string(c.inv.ClientContext)},
	} {
		if optional.value != "" {
			h[optional.name] = []string{optional.value}
		}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(c.inv.Payload))}
	_, _ = w.Write(c.inv.Payload) // a process that can't read it ends, or runs into its timeout
}

// response takes the function's answer.
func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request, id string) {
	c, ok := a.answering(w, r, id)
	if !ok {
		return
	}
	switch r.Header.Get("Lambda-Runtime-Function-Response-Mode") {
	case "":
	case "streaming":
		if c.inv.Stream {
			a.stream(w, r, c)
			return
		}
	default:
		a.env.answer(c, failure{invalidMode, "Invalid function response mode"}.payload(id), invalidMode)
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	body, err := readBody(r)
	switch {
	case errors.Is(err, errTooLarge):
		a.env.answer(c, tooLargePayload(), responseTooLarge)
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", function.MaxResponse))
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	}
	payload, errorType := body, ""
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		// A stream that failed midway: for a caller who waits for the whole answer
		// it is an error like any other.
		errorType = knownErrorType(kind)
		payload, _ = base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
	}
	if !a.env.answer(c, payload, errorType) {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", transition(&stepError{Busy, "answered twice"}))
		return
	}
	accept(w)
}

// invocationError takes the function's error.
func (a *runtimeAPI) invocationError(w http.ResponseWriter, r *http.Request, id string) {
	c, ok := a.answering(w, r, id)
	if !ok {
		return
	}
	body, err := readBody(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	}
	if r.Header.Get("Content-Type") == "application/vnd.aws.lambda.error.cause+json" {
		body = withoutCause(body)
	}
	if !a.env.answer(c, body, knownErrorType(r.Header.Get("Lambda-Runtime-Function-Error-Type"))) {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", transition(&stepError{Busy, "answered twice"}))
		return
	}
	accept(w)
}

// initError takes the runtime's word that it can't start.
func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
		return
	}
	e := a.env
	e.mu.Lock()
	allowed := e.state == Init && e.fault == nil
	if allowed {
		e.fault = &fault{reported: body, failure: failure{errorType: knownErrorType(r.Header.Get("Lambda-Runtime-Function-Error-Type"))}}
	}
	state := e.state
	e.mu.Unlock()
	if !allowed {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", transition(&stepError{state, "failed in init"}))
		return
	}
	accept(w) // the process ends by itself, or by the timeout of the init
}

// answering finds the call that a runtime answers to. The ID is checked before
// the state. If ok is false, the request has been refused.
func (a *runtimeAPI) answering(w http.ResponseWriter, r *http.Request, id string) (c *call, ok bool) {
	e := a.env
	e.mu.Lock()
	c = e.current
	e.mu.Unlock()
	if c == nil || c.inv.RequestID != id {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil, false
	}
	if echo := r.Header.Get("Lambda-Runtime-Invocation-Id"); echo != "" && echo != c.attempt {
		refuse(w, http.StatusBadRequest, "InvalidInvocationId", "Invalid invocation ID")
		return nil, false
	}
	if c.hasAnswer() {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", transition(&stepError{Busy, "answered twice"}))
		return nil, false
	}
	return c, true
}

// answer gives the caller of c its answer: a response if errorType is "".
func (e *Environment) answer(c *call, payload []byte, errorType string) bool {
	e.mu.Lock()
	if e.current != c || !c.respond(payload, errorType != "") {
		e.mu.Unlock()
		return false
	}
	if errorType != "" {
		c.status, c.errorType = telemetry.Failed, errorType
	}
	e.mu.Unlock()
	return true
}

var errTooLarge = errors.New("the body is over the limit")

// drained bounds what is read of a body that is over the limit, so that the
// runtime, which may still be writing, sees the refusal and not a reset.
const drained = 256 << 20

// readBody reads the whole body of r, at most function.MaxResponse bytes.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > function.MaxResponse {
		_, _ = io.CopyN(io.Discard, r.Body, drained)
		return nil, errTooLarge
	}
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, function.MaxResponse+1))
	if err == nil && len(body) > function.MaxResponse {
		_, _ = io.CopyN(io.Discard, r.Body, drained)
		err = errTooLarge
	}
	return body, err
}

// withoutCause cuts what is meant for X-Ray out of an error's body.
func withoutCause(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return []byte(`"Invalid error body"`)
	}
	delete(fields, "errorCause")
	return encode(fields)
}

// errorTypePattern is what Lambda keeps of an error type that a runtime sends.
var errorTypePattern = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

func knownErrorType(s string) string {
	switch {
	case errorTypePattern.MatchString(s):
		return s
	case strings.HasPrefix(s, "Function."):
		return "Function.Unknown"
	}
	return "Runtime.Unknown"
}

func accept(w http.ResponseWriter) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	_, _ = w.Write(encode(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{message, errorType}))
}

// transition words a step that is not allowed as Lambda does.
func transition(err error) string {
	var s *stepError
	if !errors.As(err, &s) {
		return err.Error()
	}
	return fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", s.state, s.step)
}
