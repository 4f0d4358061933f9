package lambdatest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// maxResponse is the largest response that is not streamed, in bytes.
// Source: AWS Lambda developer guide, gettingstarted-limits, and the 100 bytes
// that Lambda's own agent adds.
const maxResponse = 6<<20 + 100

// next hands over an event.
func (a *RuntimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.change(func() { a.waiting++ })
	var c *call
	give := make(chan *call)
	select {
	case a.asks <- give:
		c = <-give
	case <-a.over:
	case <-r.Context().Done():
	}
	a.change(func() { a.waiting-- })
	if c == nil {
		panic(http.ErrAbortHandler) // the connection is all that can be ended
	}
	h := w.Header()
	c.header(h, c.requestID, c.invocationID, c.deadline)
	h.Set("Content-Length", strconv.Itoa(len(c.Payload)))
	w.Write(c.Payload)
}

// take returns the call that an answer belongs to, which is then the only one.
// When there is none, it has answered as Lambda does, and returns nil.
func (a *RuntimeAPI) take(w http.ResponseWriter, r *http.Request) *call {
	a.mu.Lock()
	c := a.calls[r.PathValue("id")]
	a.mu.Unlock()
	if c == nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	if echo := r.Header.Get("Lambda-Runtime-Invocation-Id"); echo != "" && echo != c.invocationID {
		refuse(w, http.StatusBadRequest, "InvalidInvocationId", "Invalid invocation ID")
		return nil
	}
	var mine bool
	a.change(func() {
		mine = a.calls[c.requestID] == c
		delete(a.calls, c.requestID)
	})
	if !mine { // a timeout was faster
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	return c
}

func (a *RuntimeAPI) response(w http.ResponseWriter, r *http.Request) {
	mode := r.Header.Get("Lambda-Runtime-Function-Response-Mode")
	if mode != "" && mode != "streaming" {
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	c := a.take(w, r)
	if c == nil {
		return
	}
	contentType := r.Header.Get("Content-Type")
	if mode == "streaming" {
		s, in := newStream(contentType, c.deadline, c.Timeout)
		c.answer <- answer{stream: s}
		if !in.copy(w, r) {
			panic(http.ErrAbortHandler) // the reader has gone, and so must the function's connection
		}
		accept(w)
		return
	}
	body, err := readBody(r)
	switch {
	case err != nil:
		c.answer <- answer{err: &ExitError{err}}
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	case len(body) > maxResponse:
		c.answer <- answer{err: newFunctionError([]byte(`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",`+
			`"errorType":"Function.ResponseSizeTooLarge"}`), "Function.ResponseSizeTooLarge")}
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).")
		return
	}
	c.answer <- answer{stream: newBuffered(contentType, body)}
	accept(w)
}

func (a *RuntimeAPI) failure(w http.ResponseWriter, r *http.Request) {
	c := a.take(w, r)
	if c == nil {
		return
	}
	body, err := readBody(r)
	if err != nil {
		c.answer <- answer{err: &ExitError{err}}
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	}
	c.answer <- answer{err: newFunctionError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type"))}
	accept(w)
}

func (a *RuntimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
		return
	}
	e := newFunctionError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type"))
	e.Init = true
	a.end(e)
	accept(w)
}

// extension registers an extension, whose name must be told and whose events
// never come. Source: AWS Lambda developer guide, runtimes-extensions-api.
func (a *RuntimeAPI) extension(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Lambda-Extension-Name") == "" {
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	w.Header().Set("Lambda-Extension-Identifier", newUUID())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"functionName": FunctionName, "functionVersion": "$LATEST", "handler": "bootstrap"})
}

// wait blocks until the end, as it does for an extension without events.
func (a *RuntimeAPI) wait(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-a.over:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// readBody reads a body to its end, so that the function can always finish
// writing it. Of one that is too large, one byte too many is returned.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	return body, err
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"errorMessage": message, "errorType": errorType})
}

// trailerError is the error that a streamed response ended with, or nil.
// Source: AWS Lambda developer guide, runtimes-custom.
func trailerError(trailer http.Header) error {
	reported := trailer.Get("Lambda-Runtime-Function-Error-Type")
	text := trailer.Get("Lambda-Runtime-Function-Error-Body")
	if reported == "" && text == "" {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		body = []byte(text)
	}
	e := newFunctionError(body, reported)
	if e.Type == "" {
		e.Type = reported
	}
	return e
}
