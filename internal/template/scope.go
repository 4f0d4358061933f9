package template

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// maxText bounds, in bytes, the text that intrinsic functions make of one
// template: a short template can otherwise double a text a hundred times.
const maxText = 16 * 1024 * 1024

// scope is what intrinsic functions are evaluated in: the parameters, mappings,
// conditions and resources of one template, and the account that it is for.
type scope struct {
	*report
	cfg       Config
	root      *node
	resources []*resource // in the order of the source
	byID      map[string]*resource

	names      map[string]*node // values of Ref, by logical ID, once they are known
	conditions map[string]bool  // once they are known
	busy       map[string]bool  // what is being evaluated, so that circles are seen
	made       int              // bytes of text made so far

	dir   string // of the template's file
	look  bool   // whether files may be looked at
	files int    // how many were read beside the template
}

func newScope(r *report, cfg Config, root *node, look bool) *scope {
	s := &scope{report: r, cfg: cfg, root: root, dir: filepath.Dir(r.file), look: look, byID: map[string]*resource{},
		names: map[string]*node{}, conditions: map[string]bool{}, busy: map[string]bool{}}
	s.readResources()
	return s
}

// resolve evaluates all intrinsic functions in n. Where one can't be evaluated
// the fault is noted and a broken node stands in its place; what comes to
// AWS::NoValue is dropped from the mapping or list that holds it.
func (s *scope) resolve(n *node) *node {
	switch n.kind {
	case call:
		return s.call(n)
	case list:
		l := n.as(list)
		for _, item := range n.items {
			if v := s.resolve(item); v.kind != absent {
				l.items = append(l.items, v)
			}
		}
		return l
	case mapping:
		m := n.as(mapping)
		for _, f := range n.fields {
			if v := s.resolve(f.value); v.kind != absent {
				m.fields = append(m.fields, field{f.key, v})
			}
		}
		return m
	}
	return n
}

// call evaluates one intrinsic function.
func (s *scope) call(n *node) *node {
	if s.full() {
		return n.as(broken)
	}
	switch n.name {
	case "Ref":
		return s.callRef(n)
	case "Fn::GetAtt":
		return s.callGetAtt(n)
	case "Fn::Sub":
		return s.callSub(n)
	case "Fn::Join":
		return s.callJoin(n)
	case "Fn::Split":
		return s.callSplit(n)
	case "Fn::Select":
		return s.callSelect(n)
	case "Fn::FindInMap":
		return s.callFindInMap(n)
	case "Fn::Base64":
		return s.callBase64(n)
	case "Fn::Cidr":
		return s.callCidr(n)
	case "Fn::GetAZs":
		return s.callGetAZs(n)
	case "Fn::ImportValue":
		return s.callImportValue(n)
	case "Fn::Length":
		return s.callLength(n)
	case "Fn::ToJsonString":
		return s.callToJSONString(n)
	case "Fn::If":
		return s.callIf(n)
	case "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Condition":
		truth, ok := s.truth(n)
		if !ok {
			return n.as(broken)
		}
		return n.booleanAt(truth)
	case "Fn::Transform":
		return s.callTransform(n)
	}
	s.fault(n, n.name+" is not an intrinsic function", didYouMean(n.name, functionNames))
	return n.as(broken)
}

// text evaluates n to a text. what names the thing in a fault, "the delimiter".
func (s *scope) text(n *node, what string) (string, bool) {
	v := s.resolve(n)
	switch {
	case v.scalar():
		return v.text, true
	case v.kind != broken:
		s.fault(n, fmt.Sprintf("%s must be a string, not %s", what, v.kind), "")
	}
	return "", false
}

// list evaluates n to a list.
func (s *scope) list(n *node, what string) ([]*node, bool) {
	v := s.resolve(n)
	switch {
	case v.kind == list:
		return v.items, true
	case v.kind != broken:
		s.fault(n, fmt.Sprintf("%s must be a list, not %s", what, v.kind), "")
	}
	return nil, false
}

// args takes the list that a function is called with, which must have from least
// to most items. The items are not evaluated yet.
func (s *scope) args(n *node, least, most int, usage string) ([]*node, bool) {
	if n.arg.kind == broken {
		return nil, false
	}
	if n.arg.kind != list || len(n.arg.items) < least || len(n.arg.items) > most {
		s.fault(n, n.name+" takes "+usage, "")
		return nil, false
	}
	return n.arg.items, true
}

// makeText is the result of a call, unless the template has made too much of it.
func (s *scope) makeText(n *node, made string) *node {
	if s.spend(n, len(made)) {
		return n.textAt(made)
	}
	return n.as(broken)
}

func (s *scope) spend(n *node, bytes int) bool {
	if bytes > maxText-s.made {
		s.fault(n, fmt.Sprintf("the intrinsic functions of the template make more than %d MB of text", maxText>>20), "")
		return false
	}
	s.made += bytes
	return true
}

// once runs eval unless it is running already further up, which would be a
// circle: then ok is false and the fault is noted at n.
func (s *scope) once(n *node, what string, eval func()) (ok bool) {
	if s.busy[what] {
		s.fault(n, what+" depends on itself", "")
		return false
	}
	s.busy[what] = true
	defer delete(s.busy, what)
	eval()
	return true
}

// partition is the part of AWS that a region belongs to.
// Source: AWS general reference, aws-arns-and-namespaces.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// pseudo are the parameters that AWS defines.
// Source: AWS CloudFormation user guide, pseudo-parameter-reference.
var pseudo = []string{"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition",
	"AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix"}

// pseudoParameter is the value of one of them.
func (s *scope) pseudoParameter(n *node, name string) (*node, bool) {
	region := s.cfg.Region
	switch name {
	case "AWS::AccountId":
		return n.textAt(s.cfg.Account), true
	case "AWS::NoValue":
		return n.as(absent), true
	case "AWS::NotificationARNs":
		return n.as(list), true
	case "AWS::Partition":
		return n.textAt(partition(region)), true
	case "AWS::Region":
		return n.textAt(region), true
	case "AWS::StackId":
		return n.textAt(s.arn("cloudformation", "stack/"+s.cfg.StackName+"/00000000-0000-0000-0000-000000000000")), true
	case "AWS::StackName":
		return n.textAt(s.cfg.StackName), true
	case "AWS::URLSuffix":
		if partition(region) == "aws-cn" {
			return n.textAt("amazonaws.com.cn"), true
		}
		return n.textAt("amazonaws.com"), true
	}
	return nil, false
}

// arn names a thing of this account in this region.
func (s *scope) arn(service, what string) string {
	return "arn:" + partition(s.cfg.Region) + ":" + service + ":" + s.cfg.Region + ":" + s.cfg.Account + ":" + what
}

// referable are all names that Ref takes.
func (s *scope) referable() []string {
	all := slices.Clone(pseudo)
	all = append(all, s.root.get("Parameters").keys()...)
	for _, r := range s.resources {
		all = append(all, r.id)
	}
	return all
}
