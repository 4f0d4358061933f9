package template

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// support says what becomes of a property. The zero value is "read".
type support struct {
	inert bool   // it matters to AWS and changes nothing on this machine
	later string // what does not happen; a notice says so
}

var (
	reads  = support{}
	ignore = support{inert: true}
)

func later(what string) support { return support{later: what} }

// object reads the properties of one mapping. What is missing or of the wrong
// kind is noted as a fault; the reading goes on with a zero value, so that all
// faults are found. A property is evaluated when it is read: what nobody reads
// says nothing of values that only AWS knows.
type object struct {
	s    *scope
	n    *node // the mapping
	what string
	id   string // of the resource whose properties these are; may be empty
}

// object is n, a mapping that is called what in messages ("a function").
func (s *scope) object(n *node, what string) (object, bool) {
	v := n
	if n.kind == call {
		v = s.resolve(n)
	}
	if v.kind != mapping {
		s.wrongKind(n, v, "a mapping")
		return object{}, false
	}
	return object{s: s, n: v, what: what}, true
}

func (s *scope) wrongKind(n, v *node, want string) {
	switch v.kind {
	case broken, absent:
	case null:
		s.fault(n, "there is no value; it must be "+want, "")
	default:
		s.fault(n, fmt.Sprintf("it must be %s, not %s", want, describe(v)), "")
	}
}

// describe is a value as a message says what it is: the string "x", a list.
func describe(n *node) string {
	switch n.kind {
	case text:
		return "the string " + quote(n.text)
	case number:
		return "the number " + shorten(n.text)
	case boolean:
		return "the boolean " + shorten(n.text)
	}
	return n.kind.String()
}

// check notes the properties that table doesn't know or that are not carried out.
func (o object) check(table map[string]support) {
	for _, f := range o.n.fields {
		sup, known := table[f.key.text]
		switch {
		case !known:
			names := slices.Collect(maps.Keys(table))
			if near := suggest(f.key.text, names); near != "" {
				o.s.fault(f.key, o.what+" has no property "+quote(f.key.text), "did you mean "+near+"?")
			} else {
				o.s.notice(f.key, "Berth does not know this property of "+o.what+"; it is left out")
			}
		case sup.later != "" && o.has(f.key.text):
			o.s.notice(f.key, sup.later)
		}
	}
}

// get is a property's value, evaluated, or nil if it is not there.
func (o object) get(name string) *node {
	v := o.n.get(name)
	if v == nil {
		return nil
	}
	if v = o.s.resolve(v); v.kind == broken || v.kind == absent {
		return nil
	}
	return v
}

// has reports whether a property is there at all, even with a broken value.
func (o object) has(name string) bool {
	v := o.n.get(name)
	return v != nil && (v.kind != call || o.s.resolve(v).kind != absent)
}

// require notes a fault if a property is missing. example is what to type.
func (o object) require(name, example string) {
	if !o.has(name) {
		o.s.fault(o.n, o.what+" needs "+name, example)
	}
}

// text is a string property; ok is false if it is missing or wrong.
func (o object) text(name string) (value string, ok bool) {
	v := o.get(name)
	if v == nil {
		return "", false
	}
	if !v.scalar() {
		o.s.wrongKind(v, v, "a string")
		return "", false
	}
	return v.text, true
}

// choice is a string property that must be one of some.
func (o object) choice(name string, of ...string) (value string, ok bool) {
	value, ok = o.text(name)
	if ok && !slices.Contains(of, value) {
		problem := fmt.Sprintf("%s is not one of %s", quote(value), strings.Join(of, ", "))
		if len(of) == 1 {
			problem = fmt.Sprintf("%s is not %s, the only value", quote(value), of[0])
		}
		o.s.fault(o.get(name), problem, didYouMean(value, of))
		return "", false
	}
	return value, ok
}

// whole is a number property without a fraction, in its bounds. unit is written
// behind numbers, " MB".
func (o object) whole(name string, least, most int, unit string) (value int, ok bool) {
	v := o.get(name)
	if v == nil {
		return 0, false
	}
	i, err := strconv.Atoi(v.text)
	switch {
	case !v.scalar() || err != nil && !outOfRange(v.text):
		o.s.wrongKind(v, v, "a whole number")
		return 0, false
	case err != nil || i > most:
		o.s.fault(v, fmt.Sprintf("%s%s is above %d%s", v.text, unit, most, unit), fmt.Sprintf("%s: %d", name, most))
		return 0, false
	case i < least:
		o.s.fault(v, fmt.Sprintf("%d%s is below %d%s", i, unit, least, unit), fmt.Sprintf("%s: %d", name, least))
		return 0, false
	}
	return i, true
}

// outOfRange tells a number that is too large for an int from what is no number.
func outOfRange(s string) bool {
	return s != "" && len(s) < 40 && strings.Trim(s, "0123456789") == ""
}

// flag is a boolean property.
func (o object) flag(name string) (value, ok bool) {
	v := o.get(name)
	if v == nil {
		return false, false
	}
	b, err := strconv.ParseBool(strings.ToLower(v.text))
	if !v.scalar() || err != nil {
		o.s.wrongKind(v, v, "true or false")
		return false, false
	}
	return b, true
}

// object is a property that is a mapping. what is its name in messages.
func (o object) object(name, what string) (object, bool) {
	v := o.get(name)
	if v == nil {
		return object{}, false
	}
	if v.kind != mapping {
		o.s.wrongKind(v, v, "a mapping")
		return object{}, false
	}
	return object{s: o.s, n: v, what: what}, true
}

// list is a property that is a list.
func (o object) list(name string) []*node {
	v := o.get(name)
	if v == nil {
		return nil
	}
	if v.kind != list {
		o.s.wrongKind(v, v, "a list")
		return nil
	}
	return v.items
}

// texts is a property that is a list of strings.
func (o object) texts(name string) []string {
	var all []string
	for _, item := range o.list(name) {
		if !item.scalar() {
			o.s.wrongKind(item, item, "a string")
			continue
		}
		all = append(all, item.text)
	}
	return all
}

// strings is a property that maps names to strings, in the order of the source.
func (o object) strings(name, what string) []field {
	m, ok := o.object(name, what)
	if !ok {
		return nil
	}
	var fields []field
	for _, f := range m.n.fields {
		switch {
		case f.value.scalar():
			fields = append(fields, f)
		default:
			o.s.wrongKind(f.value, f.value, "a string")
		}
	}
	return fields
}
