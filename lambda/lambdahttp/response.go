package lambdahttp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// head is the part of a response that stands before its body, for both kinds of
// writers. It behaves as that of a net/http server.
type head struct {
	method string
	header http.Header // the handler's, which it may go on changing
	status int         // 0 until it is decided
	sent   http.Header // what was in header at that moment
}

func newHead(r *http.Request) head {
	return head{method: r.Method, header: http.Header{}}
}

func (h *head) Header() http.Header { return h.header }

// WriteHeader decides status and headers. Only the first call counts, and an
// informational status is no decision: there is nothing to send it with.
func (h *head) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic("lambdahttp: invalid status code " + strconv.Itoa(status))
	}
	if h.status != 0 || status < 200 {
		return
	}
	h.status = status
	h.sent = h.header.Clone()
}

// hasBody reports whether the decided response may have a body.
func (h *head) hasBody() bool {
	return h.status != http.StatusNoContent && h.status != http.StatusNotModified
}

// sniff sets a content type by the first bytes of the body, where the handler
// has not chosen one nor forbidden it by setting it to nothing.
func (h *head) sniff(body []byte) {
	if _, chosen := h.sent["Content-Type"]; chosen || len(body) == 0 || h.sent.Get("Content-Encoding") != "" {
		return
	}
	h.sent.Set("Content-Type", http.DetectContentType(body))
}

// buffer collects a whole response.
type buffer struct {
	head
	body bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	if !b.hasBody() {
		return 0, http.ErrBodyNotAllowed
	}
	if b.method == http.MethodHead {
		if b.body.Len() == 0 {
			b.sniff(p)
		}
		return len(p), nil
	}
	return b.body.Write(p)
}

func (b *buffer) WriteString(s string) (int, error) { return b.Write([]byte(s)) }

// answer is a response in the shape that the door expects. Unused keys are left
// out: a REST API refuses answers with keys it does not know.
type answer struct {
	StatusCode        int                 `json:"statusCode"`
	StatusDescription string              `json:"statusDescription,omitempty"` // ALB only, which requires it
	Headers           map[string]string   `json:"headers,omitempty"`
	MultiHeaders      map[string][]string `json:"multiValueHeaders,omitempty"`
	Cookies           []string            `json:"cookies,omitempty"`
	Body              string              `json:"body"`
	Base64            bool                `json:"isBase64Encoded"`
}

// encode is the response as JSON. A body that is not text travels as base64. Text
// is what UTF-8 can hold: JSON carries that unchanged, whatever its content type.
func (b *buffer) encode(f format) ([]byte, error) {
	b.WriteHeader(http.StatusOK)
	body := b.body.Bytes()
	b.sniff(body)
	a := answer{StatusCode: b.status}
	a.setHeader(b.sent, f)
	if f == alb || f == albMulti {
		a.StatusDescription = strings.TrimSpace(strconv.Itoa(b.status) + " " + http.StatusText(b.status))
	}
	if utf8.Valid(body) {
		a.Body = string(body)
	} else {
		a.Body, a.Base64 = base64.StdEncoding.EncodeToString(body), true
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

// setHeader puts the headers where the shape has room for them. What is no name
// of a header is dropped, and line breaks become spaces, as a server does it.
func (a *answer) setHeader(h http.Header, f format) {
	lists := make(map[string][]string, len(h))
	for name, values := range h {
		if !isToken(name) || len(values) == 0 {
			continue
		}
		list := make([]string, len(values))
		for i, v := range values {
			list[i] = lineBreaks.Replace(v)
		}
		lists[name] = list
	}
	if len(lists) == 0 {
		return
	}
	if f == v1 || f == albMulti {
		a.MultiHeaders = lists
		return
	}
	a.Headers = make(map[string]string, len(lists))
	for name, list := range lists {
		switch {
		case name != "Set-Cookie":
			a.Headers[name] = strings.Join(list, ", ")
		case f == v2:
			a.Cookies = list
		default:
			for i, cookie := range list {
				a.Headers[spelling(name, i)] = cookie
			}
		}
	}
}

// spelling is the n-th way to write a header's name in upper and lower case.
// Cookies can't share one line, and an answer to an ALB with single values is an
// object with one value for each key. That every spelling is sent is not
// documented: a target group of an application that sets several cookies should
// have multi-value headers enabled.
func spelling(name string, n int) string {
	b := []byte(name)
	for i := range slices.Backward(b) {
		if c := b[i] | 0x20; c >= 'a' && c <= 'z' {
			if n&1 == 1 {
				b[i] ^= 0x20
			}
			n >>= 1
		}
	}
	return string(b)
}
