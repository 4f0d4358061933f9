package environment

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// extensionsAPI is the HTTP API by which extensions take part in an
// environment's life. Here they are internal ones, threads of the runtime's own
// process; a runtime registers one to be told of its end by SIGTERM.
// Source: AWS Lambda developer guide, runtimes-extensions-api.
const extensionsAPI = "/2020-01-01/extension"

// shutdownBudget is how long an environment with an internal extension may take
// to end after SIGTERM. Source: AWS Lambda developer guide,
// lambda-runtime-environment.
const shutdownBudget = 500 * time.Millisecond

// maxExtensions is how many an environment may have.
const maxExtensions = 10

// extension is one registered extension. Its fields are guarded by the
// environment's mutex.
type extension struct {
	id     string
	name   string
	invoke bool // it wants to hear of invocations
	asked  bool // it waits for its next event, or has nothing to wait for

	events chan extensionEvent // holds the one that it has not fetched yet
}

// extensionEvent is what an extension gets from event/next.
type extensionEvent struct {
	EventType  string        `json:"eventType"`
	DeadlineMs int64         `json:"deadlineMs"`
	RequestID  string        `json:"requestId"`
	ARN        string        `json:"invokedFunctionArn"`
	Tracing    *eventTracing `json:"tracing,omitempty"`
}

type eventTracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// serveExtension answers a path below extensionsAPI.
func (a *runtimeAPI) serveExtension(w http.ResponseWriter, r *http.Request, path string) {
	switch {
	case path == "/register" && r.Method == http.MethodPost:
		a.register(w, r)
		return
	case path == "/event/next" && r.Method == http.MethodGet,
		path == "/init/error" && r.Method == http.MethodPost,
		path == "/exit/error" && r.Method == http.MethodPost:
	default:
		http.NotFound(w, r)
		return
	}
	x := a.extension(w, r)
	if x == nil {
		return
	}
	switch path {
	case "/event/next":
		a.nextExtensionEvent(w, r, x)
	case "/init/error":
		a.extensionFailed(w, r, "Extension.InitError")
	case "/exit/error":
		a.extensionFailed(w, r, "Extension.ExitError")
	}
}

// register makes an internal extension known. Only an init may do that.
func (a *runtimeAPI) register(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get("Lambda-Extension-Name")
	if name == "" {
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	var want struct {
		Events []string `json:"events"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&want); err != nil && err != io.EOF {
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", err.Error())
		return
	}
	for _, event := range want.Events {
		if event != "INVOKE" { // SHUTDOWN is for external extensions
			refuse(w, http.StatusForbidden, "Extension.InvalidEventType", event+": Invalid event type")
			return
		}
	}

	e := a.env
	e.mu.Lock()
	if e.state != Init || e.asked {
		e.mu.Unlock()
		refuse(w, http.StatusForbidden, "Extension.RegistrationClosed", "Extension registration closed already")
		return
	}
	if len(e.extensions) >= maxExtensions {
		e.mu.Unlock()
		refuse(w, http.StatusForbidden, "Extension.TooManyExtensions", "Extension limit (10) reached")
		return
	}
	x := &extension{id: uuid.NewString(), name: name, invoke: slices.Contains(want.Events, "INVOKE"), events: make(chan extensionEvent, 1)}
	e.extensions = append(e.extensions, x)
	e.mu.Unlock()

	v := e.cfg.Version
	answer := struct {
		Account string `json:"accountId,omitempty"`
		Name    string `json:"functionName"`
		Version string `json:"functionVersion"`
		Handler string `json:"handler"`
	}{Name: v.Name, Version: v.Number, Handler: v.Handler}
	if strings.Contains(r.Header.Get("Lambda-Extension-Accept-Feature"), "accountId") {
		answer.Account = e.cfg.Account
	}
	w.Header().Set("Lambda-Extension-Identifier", x.id)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(answer))
}

// extension finds the extension that a request is of; nil means that the request
// has been refused.
func (a *runtimeAPI) extension(w http.ResponseWriter, r *http.Request) *extension {
	id := r.Header.Get("Lambda-Extension-Identifier")
	switch _, err := uuid.Parse(id); {
	case id == "":
		refuse(w, http.StatusForbidden, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
		return nil
	case err != nil:
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
		return nil
	}
	e := a.env
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.extensions {
		if x.id == id {
			return x
		}
	}
	refuse(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "Unknown extension "+id)
	return nil
}

// nextExtensionEvent ends what the extension did before, and blocks until there
// is something else for it.
func (a *runtimeAPI) nextExtensionEvent(w http.ResponseWriter, r *http.Request, x *extension) {
	e := a.env
	e.mu.Lock()
	x.asked = true
	e.mu.Unlock()
	_ = e.advance(a.begin) // an environment that is ending has no more steps
	select {
	case event := <-x.events:
		w.Header().Set("Lambda-Extension-Event-Identifier", uuid.NewString())
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(encode(event))
	case <-r.Context().Done():
	case <-e.gone:
	}
}

// extensionFailed ends the environment because an extension says so.
func (a *runtimeAPI) extensionFailed(w http.ResponseWriter, r *http.Request, errorType string) {
	if r.Header.Get("Lambda-Extension-Function-Error-Type") == "" {
		refuse(w, http.StatusForbidden, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
		return
	}
	e := a.env
	e.mu.Lock()
	e.verdict = &failure{errorType, "An extension reported " + r.Header.Get("Lambda-Extension-Function-Error-Type")}
	e.mu.Unlock()
	accept(w)
	e.move(ending)
}

// tell lets the extensions that want it know of an invocation. The caller holds
// e.mu.
func (e *Environment) tell(c *call) {
	for _, x := range e.extensions {
		if !x.invoke {
			continue
		}
		x.asked = false
		x.events <- extensionEvent{ // has room: the extension had asked for it
			EventType: "INVOKE", DeadlineMs: c.begin.Add(e.cfg.Version.Timeout).UnixMilli(), RequestID: c.inv.RequestID,
			ARN: c.inv.InvokedARN, Tracing: &eventTracing{"X-Amzn-Trace-Id", c.inv.TraceID},
		}
	}
}
