package template

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Limits that keep a hostile template from costing more than its size.
const (
	// MaxBytes is the largest template, in bytes.
	// Source: AWS CloudFormation user guide, cloudformation-limits.
	MaxBytes = 1024 * 1024

	maxDepth  = 100    // of values within values
	maxValues = 200000 // after aliases are expanded
)

// functionNames are the intrinsic functions by their long names. The short YAML
// form of "Fn::Sub" is "!Sub".
// Source: AWS CloudFormation template reference, intrinsic functions.
var functionNames = []string{
	"Ref", "Condition",
	"Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Equals", "Fn::FindInMap", "Fn::GetAtt", "Fn::GetAZs",
	"Fn::If", "Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::Select",
	"Fn::Split", "Fn::Sub", "Fn::ToJsonString", "Fn::Transform",
}

// longName turns "!Sub" into "Fn::Sub"; ok is false for a tag that is none of
// CloudFormation's.
func longName(tag string) (name string, ok bool) {
	short := strings.TrimPrefix(tag, "!")
	for _, name := range functionNames {
		if strings.TrimPrefix(name, "Fn::") == short {
			return name, true
		}
	}
	return "", false
}

// read turns the text of a file, YAML or JSON, into nodes whose paths begin at
// at. What is wrong is noted in r; the result is nil if nothing can be made of
// the text.
func read(r *report, file string, at *step, src []byte) *node {
	add := func(e *Error) {
		e.File = file
		r.add(e)
	}
	if e := invalidUTF8(src); e != nil {
		add(e)
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		add(&Error{Problem: err.Error()})
		return nil
	}
	var doc yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		add(&Error{Problem: "there is nothing in the file"})
		return nil
	} else if err != nil {
		add(unreadable(err))
		return nil
	}
	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		add(&Error{Line: second.Line, Column: second.Column, Problem: "a second document begins here; only one can be read"})
	} else if !errors.Is(err, io.EOF) {
		add(unreadable(err))
	}
	if len(doc.Content) != 1 {
		add(&Error{Problem: "there is nothing in the file"})
		return nil
	}
	t := transcriber{report: r, in: &source{file}, within: map[*yaml.Node]bool{}}
	return t.node(doc.Content[0], at, 0)
}

// unreadable is what the YAML reader says, as a fault with a position.
func unreadable(err error) *Error {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return &Error{Problem: "not YAML: " + err.Error()}
	}
	e := &Error{Line: le.Mark.Line, Column: le.Mark.Column, Problem: "not YAML: " + le.Message}
	if strings.Contains(le.Message, "cannot start any token") {
		e.Fix = "indent with spaces, not tabs, and quote what begins with @, ` or %"
	}
	if le.ContextMsg != "" {
		e.Problem += " " + le.ContextMsg
		if le.ContextMark.Line > 0 && le.ContextMark.Line != e.Line {
			e.Problem += fmt.Sprintf(" that begins on line %d", le.ContextMark.Line)
		}
	}
	return e
}

func invalidUTF8(src []byte) *Error {
	if utf8.Valid(src) {
		return nil
	}
	line, column := 1, 1
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		i += size
	}
	return &Error{Line: line, Column: column, Problem: "not UTF-8", Fix: "save the template as UTF-8"}
}

// transcriber makes nodes of YAML's: aliases and merge keys are expanded within
// bounds, and both forms of an intrinsic function become the same call.
type transcriber struct {
	report *report
	in     *source
	values int
	within map[*yaml.Node]bool // the anchors that are being expanded
	full   bool                // the bound on values was hit, and reported
}

func (t *transcriber) node(y *yaml.Node, at *step, depth int) *node {
	n := &node{kind: broken, in: t.in, line: y.Line, column: y.Column, at: at}
	if t.full {
		return n
	}
	if t.values++; t.values > maxValues {
		t.full = true
		t.report.fault(n, fmt.Sprintf("the file holds more than %d values, counting those that aliases repeat", maxValues), "")
		return n
	}
	if depth > maxDepth {
		t.report.fault(n, fmt.Sprintf("values are nested more than %d deep", maxDepth), "")
		return n
	}
	if y.Kind == yaml.AliasNode {
		if y.Alias == nil || t.within[y.Alias] {
			t.report.fault(n, "*"+y.Value+" contains itself", "")
			return n
		}
		return t.node(y.Alias, at, depth+1)
	}
	t.within[y] = true
	defer delete(t.within, y)

	if tag := y.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") && tag != "!" {
		name, ok := longName(tag)
		if !ok {
			t.report.fault(n, tag+" is not an intrinsic function", didYouMean(tag, shortNames()))
			return n
		}
		n.kind, n.name = call, name
		n.arg = t.content(y, at, depth)
		return n
	}
	return t.content(y, at, depth)
}

func shortNames() []string {
	var all []string
	for _, name := range functionNames {
		all = append(all, "!"+strings.TrimPrefix(name, "Fn::"))
	}
	return all
}

// content is y without its tag, when that tag names a function.
func (t *transcriber) content(y *yaml.Node, at *step, depth int) *node {
	n := &node{kind: broken, in: t.in, line: y.Line, column: y.Column, at: at}
	switch y.Kind {
	case yaml.ScalarNode:
		n.text = y.Value
		switch y.Tag {
		case "!!null":
			n.kind = null
		case "!!int", "!!float":
			n.kind = number
		case "!!bool":
			n.kind = boolean
		default:
			n.kind = text
		}
	case yaml.SequenceNode:
		n.kind = list
		for i, item := range y.Content {
			n.items = append(n.items, t.node(item, at.item(i), depth+1))
		}
	case yaml.MappingNode:
		n.kind = mapping
		t.fields(n, y, depth)
		return longForm(n)
	}
	return n
}

// fields reads the pairs of a mapping into n. What a merge key brings stands
// behind all else and never replaces it.
func (t *transcriber) fields(n *node, y *yaml.Node, depth int) {
	lines := map[string]int{}
	var merges []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Kind == yaml.AliasNode && k.Alias != nil {
			k = k.Alias
		}
		key := &node{kind: text, in: t.in, line: k.Line, column: k.Column, at: n.at, text: k.Value}
		if k.Kind != yaml.ScalarNode {
			t.report.fault(key, "a key must be a string", "")
			continue
		}
		key.at = n.at.child(k.Value)
		if k.Tag == "!!merge" {
			merges = append(merges, t.node(v, n.at, depth+1))
			continue
		}
		if line, twice := lines[k.Value]; twice {
			t.report.fault(key, fmt.Sprintf("the key is there twice; the first is on line %d", line), "delete one of them")
			continue
		}
		lines[k.Value] = k.Line
		n.fields = append(n.fields, field{key, t.node(v, key.at, depth+1)})
	}
	for _, m := range merges {
		sources := []*node{m}
		if m.kind == list {
			sources = m.items
		}
		for _, source := range sources {
			if source.kind != mapping {
				if source.kind != broken {
					t.report.fault(source, "<< takes a mapping", "")
				}
				continue
			}
			for _, f := range source.fields {
				if _, there := lines[f.key.text]; !there {
					lines[f.key.text] = f.key.line
					n.fields = append(n.fields, f)
				}
			}
		}
	}
}

// longForm turns {"Fn::Sub": x} into a call, and leaves other mappings alone.
// "Condition" is left alone too: it is a key of resources and policies as well,
// and a call only where a condition is expected.
func longForm(n *node) *node {
	if len(n.fields) != 1 {
		return n
	}
	name := n.fields[0].key.text
	if name != "Ref" && !strings.HasPrefix(name, "Fn::") {
		return n
	}
	c := n.as(call)
	c.name, c.arg = name, n.fields[0].value
	return c
}
