package runtimeapi

import (
	"iter"
	"time"
)

// Event is one invocation as the platform hands it over. A field is empty when
// the platform sent no such header.
type Event struct {
	RequestID       string
	InvocationID    string
	TenantID        string
	FunctionARN     string
	TraceID         string
	ClientContext   string    // JSON
	CognitoIdentity string    // JSON
	Deadline        time.Time // the zero time when the platform sent none that can be read

	// Body is the event itself. It lies in the client's buffer.
	Body []byte

	text   string // the head, of which the fields above are parts
	fields []field
}

// read takes the invocation out of a head. It makes one string of all of it.
func (e *Event) read(h *head) error {
	if h.status != 200 {
		return malformed("neither an event nor a refusal")
	}
	*e = Event{text: string(h.text), fields: h.fields}
	for name, value := range e.Headers() {
		switch {
		case is(name, RequestID):
			e.RequestID = value
		case is(name, DeadlineMS):
			if ms, ok := parseDigits(value); ok {
				e.Deadline = time.UnixMilli(ms)
			}
		case is(name, FunctionARN):
			e.FunctionARN = value
		case is(name, TraceID):
			e.TraceID = value
		case is(name, TenantID):
			e.TenantID = value
		case is(name, InvocationID):
			e.InvocationID = value
		case is(name, ClientContext):
			e.ClientContext = value
		case is(name, CognitoIdentity):
			e.CognitoIdentity = value
		}
	}
	if !isPathSegment(e.RequestID) {
		return malformed("no usable " + RequestID)
	}
	return nil
}

// Headers yields the names and values as the platform wrote them, in its order.
// It is valid until the client's next call.
func (e *Event) Headers() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, f := range e.fields {
			if !yield(e.text[f.name.from:f.name.to], e.text[f.value.from:f.value.to]) {
				return
			}
		}
	}
}

// isPathSegment reports whether an ID can stand in a URL as it is.
func isPathSegment(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
		default:
			return false
		}
	}
	return id != ""
}
