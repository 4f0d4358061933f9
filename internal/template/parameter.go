package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parameter is the value of one entry of Parameters: the one that was handed in,
// or its default. What it may be is checked either way.
// Source: AWS CloudFormation user guide, parameters-section-structure.
func (s *scope) parameter(n *node, name string) *node {
	declared := s.root.find("Parameters", name)
	value := declared.get("Default")
	given, overridden := s.cfg.Parameters[name]
	switch {
	case overridden:
		value = declared.textAt(given)
	case value == nil:
		s.fault(declared, "the parameter has neither a default nor a value", "give it a Default, or type --parameter "+name+"=VALUE")
		return n.as(broken)
	case !value.scalar() && value.kind != null:
		s.fault(value, fmt.Sprintf("a default must be a string, not %s", value.kind), "")
		return n.as(broken)
	}
	typ := "String"
	if t := declared.get("Type"); t != nil && t.scalar() {
		typ = t.text
	}
	if strings.HasPrefix(typ, "AWS::SSM::Parameter::") {
		s.notice(declared, "the Parameter Store is not read here; the value is its parameter's name, "+quote(value.text))
	}
	isList := typ == "CommaDelimitedList" || strings.HasPrefix(typ, "List<") || strings.HasSuffix(typ, "<CommaDelimitedList>")
	parts := []string{value.text}
	if isList {
		parts = nil
		if value.text != "" {
			for p := range strings.SplitSeq(value.text, ",") {
				parts = append(parts, strings.TrimSpace(p))
			}
		}
	}
	for _, p := range parts {
		if problem := parameterProblem(declared, typ, p); problem != "" {
			s.fault(value, problem, "")
			return n.as(broken)
		}
	}
	if isList {
		if !s.spend(n, 64*len(parts)) {
			return n.as(broken)
		}
		return n.listAt(parts)
	}
	return n.textAt(value.text)
}

// parameterProblem says which rule of its declaration a value breaks, or "".
func parameterProblem(declared *node, typ, value string) string {
	if custom := declared.get("ConstraintDescription"); custom != nil && custom.scalar() {
		if rule := brokenRule(declared, typ, value); rule != "" {
			return rule + ": " + custom.text
		}
		return ""
	}
	return brokenRule(declared, typ, value)
}

func brokenRule(declared *node, typ, value string) string {
	if allowed := declared.get("AllowedValues"); allowed != nil && allowed.kind == list {
		if !slices.ContainsFunc(allowed.items, func(a *node) bool { return a.text == value }) {
			var all []string
			for _, a := range allowed.items {
				all = append(all, a.text)
			}
			return fmt.Sprintf("%s is not one of the allowed values %s", quote(value), strings.Join(all, ", "))
		}
	}
	if pattern := declared.get("AllowedPattern"); pattern != nil && pattern.scalar() {
		// A pattern that Go can't read (lookahead) is left to CloudFormation.
		if re, err := regexp.Compile(`^(?:` + pattern.text + `)$`); err == nil && !re.MatchString(value) {
			return fmt.Sprintf("%s does not match the pattern %s", quote(value), pattern.text)
		}
	}
	bound := func(key string) (float64, bool) {
		b := declared.get(key)
		if b == nil || !b.scalar() {
			return 0, false
		}
		f, err := strconv.ParseFloat(b.text, 64)
		return f, err == nil
	}
	if typ == "Number" || typ == "List<Number>" {
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return quote(value) + " is not a number"
		}
		if b, ok := bound("MinValue"); ok && f < b {
			return fmt.Sprintf("%s is below %v", value, b)
		}
		if b, ok := bound("MaxValue"); ok && f > b {
			return fmt.Sprintf("%s is above %v", value, b)
		}
		return ""
	}
	length := float64(utf8.RuneCountInString(value))
	if b, ok := bound("MinLength"); ok && length < b {
		return fmt.Sprintf("%s is shorter than %v characters", quote(value), b)
	}
	if b, ok := bound("MaxLength"); ok && length > b {
		return fmt.Sprintf("%s is longer than %v characters", quote(value), b)
	}
	return ""
}

// checkParameters notes the values that were handed in for no parameter, and
// the declarations that are none.
func (s *scope) checkParameters() {
	declared := s.root.get("Parameters")
	if len(declared.keys()) > maxParameters {
		s.fault(declared, fmt.Sprintf("there are %d parameters; CloudFormation takes at most %d", len(declared.fields), maxParameters), "")
		return
	}
	if declared != nil && declared.kind == mapping {
		for _, f := range declared.fields {
			if f.value.kind != mapping && f.value.kind != broken {
				s.fault(f.value, fmt.Sprintf("a parameter is a mapping with a Type, not %s", f.value.kind), "Type: String")
			}
		}
	}
	at := declared
	if at == nil {
		at = s.root
	}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Parameters)) {
		if declared.get(name) == nil {
			s.fault(at, fmt.Sprintf("a value was given for %s, which is no parameter of the template", quote(name)), didYouMean(name, declared.keys()))
		}
	}
}
