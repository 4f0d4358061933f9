package template

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one fault in a template:
//
//	template.yaml:14:9: Resources.Counter.Properties.MemorySize: 64 MB is below 128 MB
//
// [Config.Parse] and [Config.Load] report all faults of a template at once,
// joined and sorted by their position.
type Error struct {
	File         string
	Line, Column int    // from 1; Column in runes, as editors count
	Path         string // "Resources.Counter.Properties.MemorySize"; empty when the text can't be read at all
	Problem      string
	Fix          string // what to type instead; may be empty
}

func (e *Error) Error() string {
	at := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		at += e.Path + ": "
	}
	return at + e.Problem
}

// Hint is what to type instead.
func (e *Error) Hint() string { return e.Fix }

// Errors takes apart what Parse and Load return: every fault, sorted by
// position. It is empty when err holds none.
func Errors(err error) []*Error {
	var all []*Error
	var collect func(error)
	collect = func(err error) {
		switch err := err.(type) {
		case *Error:
			all = append(all, err)
		case interface{ Unwrap() []error }:
			for _, e := range err.Unwrap() {
				collect(e)
			}
		case interface{ Unwrap() error }:
			collect(err.Unwrap())
		}
	}
	collect(err)
	return all
}

// Notice is something in a template that Berth reads and doesn't carry out. It
// doesn't stop the rest.
type Notice struct {
	File         string
	Line, Column int // as in Error
	Path         string
	Text         string
}

func (n Notice) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", n.File, n.Line, n.Column, n.Path, n.Text)
}

// report collects faults and notices while a template is read. One place in the
// source may be looked at many times (a global applies to every function), so
// it keeps each of them once.
type report struct {
	file    string // of the template; its faults come before those of other files
	faults  []*Error
	notices []Notice
	seen    map[Notice]bool
}

func newReport(file string) *report {
	return &report{file: file, seen: map[Notice]bool{}}
}

// maxFaults is how many faults are noted of one template. Nobody mends more at
// once, and a hostile template shall not make Berth write a book.
const maxFaults = 100

// full reports whether no more faults are noted: whoever looks for them may stop.
func (r *report) full() bool { return len(r.faults) >= maxFaults }

// fault notes that n is wrong. fix may be empty.
func (r *report) fault(n *node, problem, fix string) {
	r.add(&Error{File: n.in.name, Line: n.line, Column: n.column, Path: n.at.String(), Problem: problem, Fix: fix})
}

func (r *report) add(e *Error) {
	e.Line, e.Column = max(e.Line, 1), max(e.Column, 1)
	if !r.full() && r.first(Notice{File: e.File, Line: e.Line, Column: e.Column, Text: e.Problem}) {
		r.faults = append(r.faults, e)
	}
}

func (r *report) notice(n *node, text string) {
	notice := Notice{File: n.in.name, Line: n.line, Column: n.column, Path: n.at.String(), Text: text}
	if r.first(notice) {
		r.notices = append(r.notices, notice)
	}
}

// first reports whether nothing like key has been noted before.
func (r *report) first(key Notice) bool {
	if r.seen[key] {
		return false
	}
	r.seen[key] = true
	return true
}

// err joins all faults in the order of the source.
func (r *report) err() error {
	slices.SortStableFunc(r.faults, func(a, b *Error) int {
		return cmp.Or(r.byFile(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Problem, b.Problem))
	})
	errs := make([]error, len(r.faults))
	for i, e := range r.faults {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// byFile orders files: the template, then what it names.
func (r *report) byFile(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == r.file:
		return -1
	case b == r.file:
		return 1
	}
	return strings.Compare(a, b)
}

func (r *report) sortedNotices() []Notice {
	slices.SortStableFunc(r.notices, func(a, b Notice) int {
		return cmp.Or(r.byFile(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Text, b.Text))
	})
	return r.notices
}
