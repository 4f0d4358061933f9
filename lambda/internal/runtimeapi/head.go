package runtimeapi

import (
	"bytes"
	"strconv"
)

// head is what stands above the body of an answer. One value is used for all
// answers, so names and values are kept as positions in a text that is reused.
// The text becomes a string only when it is an invocation's.
type head struct {
	text    []byte
	status  int
	length  int64 // of the body; -1 when the head doesn't tell
	chunked bool
	close   bool // the server closes the connection behind the body
	fields  []field
}

type field struct{ name, value span }

type span struct{ from, to int }

// get returns the value of the first field of that name, or nil.
func (h *head) get(name string) []byte {
	for _, f := range h.fields {
		if is(h.text[f.name.from:f.name.to], name) {
			return h.text[f.value.from:f.value.to]
		}
	}
	return nil
}

// parse reads a complete head, from the status line to the empty line. What RFC
// 9112 allows a server to send is taken; whatever two readers could understand
// differently is refused: a line without its CR, a folded line, a length given
// twice, a length beside chunks.
func (h *head) parse(received []byte) error {
	*h = head{text: append(h.text[:0], received...), length: -1, fields: h.fields[:0]}
	text := h.text
	end := bytes.Index(text, crlf)
	if end < 0 {
		return malformed("no status line")
	}
	if err := h.parseStatus(text[:end]); err != nil {
		return err
	}
	for at := end + 2; ; {
		n := bytes.Index(text[at:], crlf)
		if n < 0 {
			return malformed("no empty line behind the header")
		}
		if n == 0 {
			break
		}
		if err := h.parseField(at, at+n); err != nil {
			return err
		}
		at += n + 2
	}
	if h.chunked && h.length >= 0 {
		return malformed("both Content-Length and Transfer-Encoding")
	}
	if h.chunked && text[7] == '0' {
		return malformed("HTTP/1.0 has no Transfer-Encoding")
	}
	return nil
}

func (h *head) parseStatus(line []byte) error {
	// "HTTP/1.1 200 OK"; the words behind the number may be missing.
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' ||
		len(line) > 12 && line[12] != ' ' || hasControl(line) {
		return malformed("status line " + strconv.Quote(clip(line)))
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return malformed("status line " + strconv.Quote(clip(line)))
		}
		h.status = h.status*10 + int(c-'0')
	}
	if h.status < 100 {
		return malformed("status line " + strconv.Quote(clip(line)))
	}
	h.close = line[7] == '0'
	return nil
}

func (h *head) parseField(from, to int) error {
	text, line := h.text, h.text[from:to]
	colon := nameEnd(line)
	if colon < 0 {
		return malformed("header line " + strconv.Quote(clip(line)))
	}
	value := span{from + colon + 1, to}
	for value.from < value.to && isBlank(text[value.from]) {
		value.from++
	}
	for value.from < value.to && isBlank(text[value.to-1]) {
		value.to--
	}
	h.fields = append(h.fields, field{span{from, from + colon}, value})
	return h.note(line[:colon], text[value.from:value.to])
}

// note keeps what the reading of the body depends on.
func (h *head) note(name, value []byte) error {
	switch {
	case is(name, "Content-Length"):
		n, ok := parseDigits(value)
		if !ok || h.length >= 0 && h.length != n {
			return malformed("Content-Length " + strconv.Quote(clip(value)))
		}
		h.length = n
	case is(name, "Transfer-Encoding"):
		if !is(value, "chunked") || h.chunked {
			return malformed("Transfer-Encoding " + strconv.Quote(clip(value)))
		}
		h.chunked = true
	case is(name, "Connection"):
		for option := range bytes.SplitSeq(value, []byte(",")) {
			switch option = bytes.TrimSpace(option); {
			case is(option, "close"):
				h.close = true
			case is(option, "keep-alive"):
				h.close = false
			}
		}
	}
	return nil
}

// bodiless reports whether an answer with this status ends with its head.
func (h *head) bodiless() bool { return h.status < 200 || h.status == 204 || h.status == 304 }

var crlf = []byte("\r\n")

// is compares two ASCII texts regardless of case. b has letters, digits and
// hyphens only.
func is[T string | []byte](a T, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(b) {
		if x, y := a[i], b[i]; x != y && (x^y != 0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// parseDigits reads a length. 15 digits are a million gigabytes: what is longer
// is nonsense, and could overflow.
func parseDigits[T string | []byte](text T) (n int64, ok bool) {
	if len(text) == 0 || len(text) > 15 {
		return 0, false
	}
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// nameEnd returns where the name of a header line ends, or -1 when it is none.
func nameEnd(line []byte) int {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 || !isToken(line[:colon]) || hasControl(line[colon:]) {
		return -1
	}
	return colon
}

func isToken(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f || bytes.IndexByte([]byte(`"(),/:;<=>?@[\]{}`), c) >= 0 {
			return false
		}
	}
	return true
}

func hasControl(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// clip keeps a quotation of foreign bytes short.
func clip(text []byte) string {
	if len(text) > 64 {
		return string(text[:64]) + "…"
	}
	return string(text)
}
