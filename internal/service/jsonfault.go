package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// jsonFault says what keeps an event from being JSON in UTF-8, "" if nothing
// does. An empty event is fine: it stands for {}.
//
// The words are those of Jackson, the parser whose messages Lambda passes on, for
// the faults that Go's parser tells apart. Lines and columns count from 1, columns
// in bytes.
func jsonFault(p []byte) string {
	if len(p) == 0 {
		return ""
	}
	var fault *json.SyntaxError
	var raw json.RawMessage
	if err := json.Unmarshal(p, &raw); err == nil {
		return encodingFault(p, 0, len(p)) // Go's parser lets anything pass inside a string
	} else if !errors.As(err, &fault) {
		return "Unexpected input" + position(p, 0)
	}
	message := fault.Error()
	if strings.HasPrefix(message, "unexpected end") {
		return "Unexpected end-of-input" + position(p, len(p))
	}
	at := min(max(int(fault.Offset)-1, 0), len(p)-1) // the byte that can't stand where it does
	if fault := encodingFault(p, 0, at); fault != "" {
		return fault
	}
	return syntaxFault(p, at, message)
}

// expectations has Jackson's words for what Go's parser expected.
var expectations = []struct{ inGo, inJackson string }{
	{"looking for beginning of object key string", "was expecting double-quote to start field name"},
	{"after object key:value pair", "was expecting comma to separate Object entries"},
	{"after object key", "was expecting a colon to separate field name and value"},
	{"after array element", "was expecting comma to separate Array entries"},
}

// anyValue is what Jackson says could have stood there.
const anyValue = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

// syntaxFault words the fault at p[at]; message is that of Go's parser.
func syntaxFault(p []byte, at int, message string) string {
	for _, e := range expectations {
		if strings.Contains(message, e.inGo) {
			return "Unexpected character (" + character(p[at]) + "): " + e.inJackson + position(p, at)
		}
	}
	if strings.Contains(message, "in string literal") && p[at] < ' ' {
		return "Illegal unquoted character (" + character(p[at]) + "): has to be escaped using backslash to be included in string value" + position(p, at)
	}
	if strings.Contains(message, "looking for beginning of value") || strings.Contains(message, "in literal") {
		if start, end := wordAround(p, at); start < end {
			if fault := encodingFault(p, start, end); fault != "" {
				return fault
			}
			const longest = 256 // Jackson cuts words there, too
			return "Unrecognized token '" + string(p[start:min(end, start+longest)]) + "': was expecting " + anyValue + position(p, end)
		}
	}
	return "Unexpected character (" + character(p[at]) + "): expected a valid value " + anyValue + position(p, at)
}

// wordAround gives the bounds of the bare word that p[at] is in, such as a name
// without its quotes. Without one, start is end.
func wordAround(p []byte, at int) (start, end int) {
	isWord := func(b byte) bool {
		return b >= utf8.RuneSelf || b == '_' || b == '$' || unicode.IsLetter(rune(b)) || unicode.IsDigit(rune(b))
	}
	start, end = at, at
	for start > 0 && isWord(p[start-1]) {
		start--
	}
	for end < len(p) && isWord(p[end]) {
		end++
	}
	if start < end && (p[start] >= utf8.RuneSelf || unicode.IsDigit(rune(p[start]))) {
		return at, at
	}
	return start, end
}

// encodingFault words the first fault of p[start:end] as UTF-8, "" if it has none.
func encodingFault(p []byte, start, end int) string {
	for i := start; i < end; {
		r, size := utf8.DecodeRune(p[i:end])
		if r != utf8.RuneError || size > 1 {
			i += size
			continue
		}
		kind := "start"
		if lead := p[i]; lead >= 0xC0 && lead < 0xF8 && i+1 < end { // a lead byte without its followers
			kind = "middle"
			for i++; i+1 < end && p[i]&0xC0 == 0x80; {
				i++
			}
		}
		// Recorded answers count one column more here than for other faults.
		return fmt.Sprintf("Invalid UTF-8 %s byte 0x%02x", kind, p[i]) + position(p, i+1)
	}
	return ""
}

// character is how Jackson names a byte that can't stand where it does: as the
// character of that number.
func character(b byte) string {
	if unicode.IsControl(rune(b)) {
		return fmt.Sprintf("(CTRL-CHAR, code %d)", b)
	}
	return fmt.Sprintf("'%c' (code %d)", rune(b), b)
}

// position ends every message of Jackson's: where in p the fault is.
func position(p []byte, at int) string {
	before := p[:min(at, len(p))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := at - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", line, column)
}
