package template

import "fmt"

// callIf gives one of two values, by a condition's name. Only the chosen one is
// evaluated.
func (s *scope) callIf(n *node) *node {
	args, ok := s.args(n, 3, 3, "a condition's name, a value if it is true and one if it is not")
	if !ok {
		return n.as(broken)
	}
	truth, ok := s.truth(args[0])
	if !ok {
		return n.as(broken)
	}
	if truth {
		return s.resolve(args[1])
	}
	return s.resolve(args[2])
}

// condition is the value of a named condition. ok is false if it has none; the
// fault is noted at n.
func (s *scope) condition(n *node, name string) (truth, ok bool) {
	if truth, ok := s.conditions[name]; ok {
		return truth, true
	}
	conditions := s.root.get("Conditions")
	c := conditions.get(name)
	if c == nil {
		s.fault(n, fmt.Sprintf("there is no condition %s", quote(name)), didYouMean(name, conditions.keys()))
		return false, false
	}
	if !s.once(n, "condition "+name, func() { truth, ok = s.truth(c) }) || !ok {
		return false, false
	}
	s.conditions[name] = truth
	return truth, true
}

// truth evaluates what stands where a condition is expected: its name, or one of
// the functions that make conditions.
func (s *scope) truth(n *node) (truth, ok bool) {
	if n.kind == mapping && len(n.fields) == 1 && n.fields[0].key.text == "Condition" {
		n = n.fields[0].value // the long form of !Condition
	}
	switch n.kind {
	case text:
		return s.condition(n, n.text)
	case boolean:
		return n.text == "true", true
	case broken:
		return false, false
	case call:
		switch n.name {
		case "Condition":
			if n.arg.scalar() {
				return s.condition(n, n.arg.text)
			}
		case "Fn::Equals":
			return s.equals(n)
		case "Fn::Not":
			return s.junction(n, 1, 1, func(all []bool) bool { return !all[0] })
		case "Fn::And":
			return s.junction(n, 2, 10, func(all []bool) bool {
				for _, t := range all {
					if !t {
						return false
					}
				}
				return true
			})
		case "Fn::Or":
			return s.junction(n, 2, 10, func(all []bool) bool {
				for _, t := range all {
					if t {
						return true
					}
				}
				return false
			})
		}
	}
	s.fault(n, "a condition is a name, or one of Fn::And, Fn::Equals, Fn::Not and Fn::Or", "")
	return false, false
}

func (s *scope) equals(n *node) (truth, ok bool) {
	args, ok := s.args(n, 2, 2, "two values")
	if !ok {
		return false, false
	}
	a, ok1 := s.text(args[0], "what is compared")
	b, ok2 := s.text(args[1], "what is compared")
	return a == b, ok1 && ok2
}

func (s *scope) junction(n *node, least, most int, join func([]bool) bool) (truth, ok bool) {
	usage := "one condition"
	if most > 1 {
		usage = fmt.Sprintf("%d to %d conditions", least, most)
	}
	args, ok := s.args(n, least, most, usage)
	if !ok {
		return false, false
	}
	all := make([]bool, len(args))
	for i, arg := range args {
		truth, argOK := s.truth(arg)
		all[i], ok = truth, ok && argOK
	}
	return join(all), ok
}
