package template

import (
	"fmt"
	"strings"
)

// callSub evaluates both forms: a text, or a text with a mapping of its own
// variables. ${Name} is that variable or what Ref gives, ${Name.Attribute} what
// GetAtt gives, and ${!Name} the text "${Name}".
// Source: AWS CloudFormation template reference, intrinsic-function-reference-sub.
func (s *scope) callSub(n *node) *node {
	source, variables := n.arg, (*node)(nil)
	if n.arg.kind == list {
		args, ok := s.args(n, 2, 2, "a string, or a string and a mapping of variables")
		if !ok {
			return n.as(broken)
		}
		source, variables = args[0], args[1]
		if variables.kind != mapping {
			s.fault(variables, fmt.Sprintf("the variables of Fn::Sub must be a mapping, not %s", variables.kind), "")
			return n.as(broken)
		}
	}
	if source.kind == broken {
		return source
	}
	if !source.scalar() {
		s.fault(n, "Fn::Sub takes a string, or a string and a mapping of variables", "")
		return n.as(broken)
	}
	values := map[string]*node{}
	if variables != nil {
		for _, f := range variables.fields {
			values[f.key.text] = s.resolve(f.value)
		}
	}
	pieces, err := subPieces(source.text)
	if err != "" {
		s.fault(source, err, "a literal ${ is written ${!")
		return n.as(broken)
	}
	var b strings.Builder
	for _, p := range pieces {
		if p.name == "" {
			b.WriteString(p.literal)
			continue
		}
		v, own := values[p.name]
		if !own {
			v = s.named(source, p.name, values)
		}
		switch {
		case v.kind == broken:
			return n.as(broken)
		case v.kind == list: // as CloudFormation writes a CommaDelimitedList
			for i, item := range v.items {
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(item.text)
			}
		case !v.scalar():
			s.fault(source, fmt.Sprintf("${%s} is %s; Fn::Sub takes strings", p.name, v.kind), "")
			return n.as(broken)
		default:
			b.WriteString(v.text)
		}
		if b.Len() > maxText {
			break // makeText reports it
		}
	}
	return s.makeText(n, b.String())
}

// named is what ${name} stands for when it is no variable of the call's own.
func (s *scope) named(at *node, name string, own map[string]*node) *node {
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return s.getAtt(at, id, attribute)
	}
	if v, ok := s.ref(at, name); ok {
		return v
	}
	candidates := s.referable()
	for o := range own {
		candidates = append(candidates, o)
	}
	fix := didYouMean(name, candidates)
	if fix == "" {
		fix = "write ${!" + name + "} to keep the text as it is"
	}
	s.fault(at, fmt.Sprintf("${%s} names no parameter and no resource", name), fix)
	return at.as(broken)
}

// piece is a part of a Fn::Sub text: a literal, or a name between ${ and }.
type piece struct{ literal, name string }

// subPieces cuts a text at its variables. problem is "" if it is well formed.
func subPieces(source string) (pieces []piece, problem string) {
	for source != "" {
		open := strings.Index(source, "${")
		if open < 0 {
			return append(pieces, piece{literal: source}), ""
		}
		if open > 0 {
			pieces = append(pieces, piece{literal: source[:open]})
		}
		source = source[open+2:]
		name, rest, ok := strings.Cut(source, "}")
		if !ok {
			return nil, "a ${ has no }"
		}
		source = rest
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			pieces = append(pieces, piece{literal: "${" + literal + "}"})
			continue
		}
		name = strings.TrimSpace(name)
		if name == "" || strings.ContainsFunc(name, notInName) {
			return nil, fmt.Sprintf("${%s} is not a name", shorten(name))
		}
		pieces = append(pieces, piece{name: name})
	}
	return pieces, ""
}

func shorten(s string) string { q := quote(s); return q[1 : len(q)-1] }

func notInName(r rune) bool {
	return !(r == '.' || r == ':' || r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
}
