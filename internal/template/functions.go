package template

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The intrinsic functions that make a value of other values. Source: AWS
// CloudFormation template reference, one page for each.

func (s *scope) callJoin(n *node) *node {
	args, ok := s.args(n, 2, 2, "a delimiter and a list")
	if !ok {
		return n.as(broken)
	}
	delimiter, ok1 := s.text(args[0], "the delimiter")
	items, ok2 := s.list(args[1], "what is joined")
	if !ok1 || !ok2 {
		return n.as(broken)
	}
	var parts []string
	for _, item := range items {
		if !item.scalar() {
			if item.kind != broken {
				s.fault(item, fmt.Sprintf("Fn::Join joins strings, not %s", item.kind), "")
			}
			return n.as(broken)
		}
		parts = append(parts, item.text)
	}
	return s.makeText(n, strings.Join(parts, delimiter))
}

func (s *scope) callSplit(n *node) *node {
	args, ok := s.args(n, 2, 2, "a delimiter and a string")
	if !ok {
		return n.as(broken)
	}
	delimiter, ok1 := s.text(args[0], "the delimiter")
	whole, ok2 := s.text(args[1], "what is split")
	switch {
	case !ok1 || !ok2:
		return n.as(broken)
	case delimiter == "":
		s.fault(args[0], "the delimiter is empty", "")
		return n.as(broken)
	}
	// Every part costs a node, whatever its length.
	if !s.spend(n, 64*(strings.Count(whole, delimiter)+1)) {
		return n.as(broken)
	}
	return n.listAt(strings.Split(whole, delimiter))
}

func (s *scope) callSelect(n *node) *node {
	args, ok := s.args(n, 2, 2, "an index and a list")
	if !ok {
		return n.as(broken)
	}
	index, ok1 := s.text(args[0], "the index")
	items, ok2 := s.list(args[1], "what is selected from")
	if !ok1 || !ok2 {
		return n.as(broken)
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(items) {
		s.fault(args[0], fmt.Sprintf("%s is not an index of a list of %d", quote(index), len(items)), "indexes begin at 0")
		return n.as(broken)
	}
	return items[i].moved(n)
}

func (s *scope) callFindInMap(n *node) *node {
	args, ok := s.args(n, 3, 4, "a map, a key and a second key")
	if !ok {
		return n.as(broken)
	}
	var keys [3]string
	for i := range keys {
		key, ok := s.text(args[i], "a key of Fn::FindInMap")
		if !ok {
			return n.as(broken)
		}
		keys[i] = key
	}
	at := s.root.get("Mappings")
	for i, key := range keys {
		next := at.get(key)
		if next == nil && len(args) == 4 {
			if d := args[3].get("DefaultValue"); d != nil {
				return s.resolve(d).moved(n)
			}
		}
		if next == nil {
			where := "Mappings"
			if i > 0 {
				where = at.at.String()
			}
			s.fault(args[i], fmt.Sprintf("%s is not in %s", quote(key), where), didYouMean(key, at.keys()))
			return n.as(broken)
		}
		at = next
	}
	if !at.scalar() && at.kind != list {
		s.fault(args[2], fmt.Sprintf("%s is %s; Fn::FindInMap finds strings and lists", at.at, at.kind), "")
		return n.as(broken)
	}
	return at.moved(n)
}

func (s *scope) callBase64(n *node) *node {
	plain, ok := s.text(n.arg, "what is encoded")
	if !ok {
		return n.as(broken)
	}
	return s.makeText(n, base64.StdEncoding.EncodeToString([]byte(plain)))
}

// callCidr cuts an IPv4 or IPv6 network into count smaller ones, each with
// bits bits for its hosts.
func (s *scope) callCidr(n *node) *node {
	args, ok := s.args(n, 2, 3, "a network, a count from 1 to 256 and the bits of a host")
	if !ok {
		return n.as(broken)
	}
	block, ok1 := s.text(args[0], "the network")
	count, ok2 := s.number(args[1], "the count", 1, 256)
	bits, ok3 := 0, true
	if len(args) == 3 {
		bits, ok3 = s.number(args[2], "the bits", 1, 128)
	}
	if !ok1 || !ok2 || !ok3 {
		return n.as(broken)
	}
	network, err := netip.ParsePrefix(block)
	if err != nil {
		s.fault(args[0], quote(block)+" is not a network", "such as 10.0.0.0/16")
		return n.as(broken)
	}
	size := network.Addr().BitLen()
	if len(args) == 2 {
		bits = map[int]int{32: 8, 128: 64}[size]
	}
	length := size - bits
	room := length - network.Bits() // bits that number the parts
	if room < 0 || (room < 8 && count > 1<<room) {
		s.fault(n, fmt.Sprintf("%s has no room for %d networks of %d bits", block, count, bits), "")
		return n.as(broken)
	}
	var parts []string
	base := network.Masked().Addr().AsSlice()
	for i := range count {
		a := append([]byte(nil), base...)
		// Add i to the number that ends at bit length.
		for carry, bit := i, length-1; carry > 0; bit-- {
			if carry&1 == 1 {
				a[bit/8] |= 0x80 >> (bit % 8)
			}
			carry >>= 1
		}
		addr, _ := netip.AddrFromSlice(a)
		parts = append(parts, netip.PrefixFrom(addr, length).String())
	}
	return n.listAt(parts)
}

func (s *scope) number(n *node, what string, least, most int) (int, bool) {
	written, ok := s.text(n, what)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(written)
	if err != nil || i < least || i > most {
		s.fault(n, fmt.Sprintf("%s must be a whole number from %d to %d, not %s", what, least, most, quote(written)), "")
		return 0, false
	}
	return i, true
}

func (s *scope) callGetAZs(n *node) *node {
	region, ok := s.text(n.arg, "the region")
	if !ok {
		return n.as(broken)
	}
	if region == "" {
		region = s.cfg.Region
	}
	return n.listAt([]string{region + "a", region + "b", region + "c"})
}

func (s *scope) callImportValue(n *node) *node {
	export, ok := s.text(n.arg, "the name of the export")
	if !ok {
		return n.as(broken)
	}
	s.notice(n, "another stack's export is not known here; the value is its name, "+quote(export))
	return n.textAt(export)
}

func (s *scope) callLength(n *node) *node {
	items, ok := s.list(n.arg, "what is counted")
	if !ok {
		return n.as(broken)
	}
	v := n.textAt(strconv.Itoa(len(items)))
	v.kind = number
	return v
}

func (s *scope) callToJSONString(n *node) *node {
	var b strings.Builder
	if !s.writeJSON(&b, s.resolve(n.arg)) {
		return n.as(broken)
	}
	return s.makeText(n, b.String())
}

// writeJSON writes an evaluated value as JSON, in the order of the source.
func (s *scope) writeJSON(b *strings.Builder, n *node) bool {
	switch n.kind {
	case null:
		b.WriteString("null")
	case boolean:
		b.WriteString(strings.ToLower(n.text))
	case number:
		if json.Valid([]byte(n.text)) {
			b.WriteString(n.text)
			break
		}
		fallthrough // YAML knows more forms of a number than JSON
	case text:
		quoted, err := json.Marshal(n.text)
		if err != nil {
			s.fault(n, "not a JSON string: "+err.Error(), "")
			return false
		}
		b.Write(quoted)
	case list:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			if !s.writeJSON(b, item) {
				return false
			}
		}
		b.WriteByte(']')
	case mapping:
		b.WriteByte('{')
		for i, f := range n.fields {
			if i > 0 {
				b.WriteByte(',')
			}
			if !s.writeJSON(b, f.key) {
				return false
			}
			b.WriteByte(':')
			if !s.writeJSON(b, f.value) {
				return false
			}
		}
		b.WriteByte('}')
	default:
		return false
	}
	return true
}
