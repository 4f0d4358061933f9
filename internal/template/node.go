package template

import (
	"regexp"
	"strconv"
	"strings"
)

// kind is what a value of a template is.
type kind uint8

const (
	null kind = iota
	text
	number // as it is written
	boolean
	list
	mapping
	call   // an intrinsic function that is not evaluated yet
	absent // AWS::NoValue: as if it had not been written
	broken // a value that could not be evaluated; its fault is already reported
)

func (k kind) String() string {
	switch k {
	case text:
		return "a string"
	case number:
		return "a number"
	case boolean:
		return "a boolean"
	case list:
		return "a list"
	case mapping:
		return "a mapping"
	case call:
		return "an intrinsic function"
	}
	return "nothing"
}

// node is one value of a template, with the place where it stands. Nodes are
// never changed after they have been read: evaluation makes new ones.
type node struct {
	kind         kind
	in           *source
	line, column int
	at           *step

	text   string  // of a text, number or boolean
	name   string  // of a call: "Ref", "Fn::Sub"
	arg    *node   // of a call
	items  []*node // of a list
	fields []field // of a mapping, in the order of the source
}

// source is a file that nodes were read from.
type source struct{ name string }

type field struct {
	key   *node // always a text
	value *node
}

// get returns the value of a mapping's key, or nil.
func (n *node) get(key string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	for _, f := range n.fields {
		if f.key.text == key {
			return f.value
		}
	}
	return nil
}

// find walks down a chain of mappings. It returns nil where the chain breaks.
func (n *node) find(keys ...string) *node {
	for _, key := range keys {
		n = n.get(key)
	}
	return n
}

// keys are the names in a mapping, in the order of the source.
func (n *node) keys() []string {
	if n == nil || n.kind != mapping {
		return nil
	}
	keys := make([]string, len(n.fields))
	for i, f := range n.fields {
		keys[i] = f.key.text
	}
	return keys
}

// scalar reports whether n has a text that stands for it.
func (n *node) scalar() bool { return n.kind == text || n.kind == number || n.kind == boolean }

// show is n as a message quotes it.
func (n *node) show() string {
	if !n.scalar() {
		return n.kind.String()
	}
	return quote(n.text)
}

// textAt is a text that stands where n stands.
func (n *node) textAt(s string) *node {
	t := n.as(text)
	t.text = s
	return t
}

// listAt is a list of texts that stands where n stands.
func (n *node) listAt(texts []string) *node {
	l := n.as(list)
	for _, t := range texts {
		l.items = append(l.items, n.textAt(t))
	}
	return l
}

// booleanAt is a boolean that stands where n stands.
func (n *node) booleanAt(b bool) *node {
	v := n.as(boolean)
	v.text = strconv.FormatBool(b)
	return v
}

// as is an empty value of a kind that stands where n stands.
func (n *node) as(k kind) *node {
	return &node{kind: k, in: n.in, line: n.line, column: n.column, at: n.at}
}

// moved is n, seen as standing where other stands: the result of an intrinsic
// function is reported at the place of the call.
func (n *node) moved(other *node) *node {
	m := *n
	m.in, m.line, m.column, m.at = other.in, other.line, other.column, other.at
	return &m
}

// step is the last part of a path. A path is a chain of steps, so that a deep
// template doesn't hold every prefix of every path.
type step struct {
	parent *step
	name   string
	index  int // of a list's item, when name is empty
}

func (s *step) child(name string) *step { return &step{parent: s, name: name} }
func (s *step) item(i int) *step        { return &step{parent: s, index: i} }

var plainStep = regexp.MustCompile(`^[A-Za-z0-9_:$-]+$`)

// String is the path from the top: Resources.Api.Properties.Tags[0].
func (s *step) String() string {
	var steps []*step
	for ; s != nil; s = s.parent {
		steps = append(steps, s)
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		switch s := steps[i]; {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case !plainStep.MatchString(s.name):
			b.WriteString("[" + quote(s.name) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.name)
		}
	}
	return b.String()
}

// quote is a text as a message shows it: in quotes, without control characters,
// and never long.
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}
