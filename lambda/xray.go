package lambda

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxXRayCause is the longest cause that is sent, in bytes. Lambda would take
// 1 MB, but a server may end a connection whose header is longer than some KB.
const maxXRayCause = 16 << 10

type xrayError struct {
	WorkingDirectory string          `json:"working_directory"`
	Exceptions       []xrayException `json:"exceptions"`
	Paths            []string        `json:"paths"`
}

type xrayException struct {
	Type    string      `json:"type"`
	Message string      `json:"message"`
	Stack   []xrayFrame `json:"stack"`
}

type xrayFrame struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	Label string `json:"label"`
}

// xrayCause is the error as X-Ray shows it in a trace, in ASCII, or "" when it is
// too long for a header.
// Source: AWS X-Ray developer guide, xray-api-segmentdocuments.
func (r report) xrayCause() string {
	e := xrayException{Type: r.Type, Message: r.Message, Stack: []xrayFrame{}}
	paths := []string{}
	for _, f := range r.stack {
		e.Stack = append(e.Stack, xrayFrame{f.File, f.Line, f.Function})
		paths = append(paths, f.File)
	}
	text, err := json.Marshal(xrayError{taskRoot, []xrayException{e}, paths})
	if err != nil {
		panic(err) // strings and numbers can always be encoded
	}
	if cause := ascii(string(text)); len(cause) <= maxXRayCause {
		return cause
	}
	return ""
}

// taskRoot is where Lambda starts a function.
// Source: AWS Lambda developer guide, configuration-envvars.
const taskRoot = "/var/task"

// ascii writes what isn't ASCII in a JSON text as JSON may write it.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < 0x7f:
			b.WriteByte(byte(r))
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	return b.String()
}
