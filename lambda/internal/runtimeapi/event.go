package runtimeapi

import (
	"iter"
	"strings"
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

	head *head // where Headers finds them
}

// read takes the invocation out of a head. The strings are for good; the ARN is
// the one before as long as it is the same.
func (e *Event) read(h *head, texts *texts) error {
	if h.status != 200 {
		return malformed("neither an event nor a refusal")
	}
	*e = Event{FunctionARN: e.FunctionARN, head: h}
	arn := false
	for _, f := range h.fields {
		name, value := h.text[f.name.from:f.name.to], h.text[f.value.from:f.value.to]
		switch {
		case is(name, RequestID):
			e.RequestID = texts.keep(value)
		case is(name, DeadlineMS):
			if ms, ok := parseDigits(value); ok {
				e.Deadline = time.UnixMilli(ms)
			}
		case is(name, FunctionARN):
			arn = true
			if e.FunctionARN != string(value) {
				e.FunctionARN = texts.keep(value)
			}
		case is(name, TraceID):
			e.TraceID = texts.keep(value)
		case is(name, TenantID):
			e.TenantID = texts.keep(value)
		case is(name, InvocationID):
			e.InvocationID = texts.keep(value)
		case is(name, ClientContext):
			e.ClientContext = texts.keep(value)
		case is(name, CognitoIdentity):
			e.CognitoIdentity = texts.keep(value)
		}
	}
	if !arn {
		e.FunctionARN = ""
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
		for _, f := range e.head.fields {
			if !yield(string(e.head.text[f.name.from:f.name.to]), string(e.head.text[f.value.from:f.value.to])) {
				return
			}
		}
	}
}

// texts makes strings that are kept: many of them share an allocation, for what
// a strings.Builder has written it never writes again.
type texts struct{ block strings.Builder }

// textBlock has room for the headers of some forty invocations. A request ID that
// a handler keeps for good keeps all of them.
const textBlock = 8 << 10

func (t *texts) keep(text []byte) string {
	if t.block.Cap()-t.block.Len() < len(text) {
		t.block = strings.Builder{}
		t.block.Grow(max(textBlock, len(text)))
	}
	from := t.block.Len()
	t.block.Write(text)
	return t.block.String()[from:]
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
