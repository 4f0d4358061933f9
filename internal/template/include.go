package template

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Limits of what a template may name beside itself.
const (
	// maxDefinition is the largest OpenAPI document, in bytes.
	// Source: Amazon API Gateway developer guide, api-gateway-import-api.
	maxDefinition = 6 * 1024 * 1024

	maxFiles = 100
)

// readBounded reads a file, but no more than most bytes and the one by which it
// is seen that there are more.
func readBounded(file string, most int) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(most)+1))
}

// file reads a file that the template names at n. The result is nil if there is
// none; a notice or a fault says why.
func (s *scope) file(n *node, name string) *node {
	switch {
	case strings.Contains(name, "://"):
		s.notice(n, "the file is at "+quote(name)+", not on this machine; it is left out")
		return nil
	case !s.look:
		s.notice(n, "the file "+quote(name)+" is not read with the template's text alone")
		return nil
	case s.files >= maxFiles:
		s.fault(n, fmt.Sprintf("the template includes more than %d files", maxFiles), "")
		return nil
	}
	s.files++
	path := filepath.FromSlash(name)
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.dir, path)
	}
	src, err := readBounded(path, maxDefinition)
	switch {
	case errors.Is(err, os.ErrNotExist):
		s.fault(n, "there is no file "+path, "the name is relative to the template's own folder")
		return nil
	case err != nil:
		s.fault(n, fmt.Sprintf("the file can't be read: %v", err), "")
		return nil
	case len(src) > maxDefinition:
		s.fault(n, fmt.Sprintf("%s has more than %d bytes", path, maxDefinition), "")
		return nil
	}
	if v := read(s.report, path, nil, src); v != nil && v.kind != broken {
		return v
	}
	return nil
}

// callTransform includes a file; what other transforms make is known on AWS only.
// Source: AWS CloudFormation template reference, transform-aws-include.
func (s *scope) callTransform(n *node) *node {
	name := n.arg.get("Name")
	if name == nil || name.text != "AWS::Include" {
		s.notice(n, "the transform runs only on AWS; the value is left out here")
		return n.as(absent)
	}
	location := n.arg.find("Parameters", "Location")
	if location == nil {
		s.fault(n, "AWS::Include needs a Location", "Parameters: {Location: openapi.yaml}")
		return n.as(broken)
	}
	path, ok := s.text(location, "the Location")
	if !ok {
		return n.as(broken)
	}
	included := n.as(broken)
	s.once(n, "the file "+path, func() {
		if v := s.file(location, path); v != nil {
			included = s.resolve(v)
		}
	})
	return included
}

// definition is the OpenAPI document of one of SAM's APIs: in the template, or in
// a file that goes to API Gateway as it is. It is nil if there is none.
func (s *scope) definition(o object) *node {
	if body := o.get("DefinitionBody"); body != nil {
		return body
	}
	at := o.get("DefinitionUri")
	if at == nil {
		return nil
	}
	if at.kind == mapping {
		s.notice(at, "the definition is in S3, not on this machine; its routes are left out")
		return nil
	}
	uri, ok := o.text("DefinitionUri")
	if !ok {
		return nil
	}
	v := s.file(at, uri)
	if v == nil {
		return nil
	}
	if c := firstCall(v); c != nil {
		s.fault(c, "this file goes to API Gateway as it is: nobody evaluates "+c.name+" in it",
			"DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: "+uri+"}}}")
		return nil
	}
	return v
}

// firstCall is the first intrinsic function in n, or nil.
func firstCall(n *node) *node {
	switch n.kind {
	case call:
		return n
	case list:
		for _, item := range n.items {
			if c := firstCall(item); c != nil {
				return c
			}
		}
	case mapping:
		for _, f := range n.fields {
			if c := firstCall(f.value); c != nil {
				return c
			}
		}
	}
	return nil
}
