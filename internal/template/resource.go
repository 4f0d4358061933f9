package template

import (
	"fmt"
	"regexp"
	"strings"
)

// resource is one entry of the section Resources whose condition holds.
type resource struct {
	id         string // its logical ID
	typ        string // "AWS::Serverless::Function"
	key, body  *node
	properties *node // a mapping, perhaps empty
}

// The most entries of a section.
// Source: AWS CloudFormation user guide, cloudformation-limits.
const (
	maxResources  = 500
	maxParameters = 200
	maxMappings   = 200
)

var logicalID = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

// readResources lists the resources that the template makes.
func (s *scope) readResources() {
	section := s.root.get("Resources")
	switch {
	case section == nil:
		s.fault(s.root, "the section Resources is missing", "a template has a section Resources")
		return
	case section.kind == broken:
		return
	case section.kind != mapping:
		s.fault(section, fmt.Sprintf("Resources must be a mapping, not %s", section.kind), "")
		return
	}
	if len(section.fields) > maxResources {
		s.fault(section, fmt.Sprintf("there are %d resources; CloudFormation takes at most %d", len(section.fields), maxResources), "split the template")
		return
	}
	for _, f := range section.fields {
		if strings.HasPrefix(f.key.text, "Fn::ForEach::") {
			s.notice(f.key, "Fn::ForEach is not supported yet; what it makes is left out")
			continue
		}
		if !logicalID.MatchString(f.key.text) {
			s.fault(f.key, quote(f.key.text)+" is not a logical ID", "use letters and digits only")
			continue
		}
		switch f.value.kind {
		case broken:
			continue
		case mapping:
		default:
			s.fault(f.value, fmt.Sprintf("a resource is a mapping with a Type, not %s", f.value.kind), "")
			continue
		}
		typ := f.value.get("Type")
		if typ == nil || typ.kind != text {
			at := f.key
			if typ != nil {
				at = typ
			}
			s.fault(at, "the resource has no Type", "such as Type: AWS::Serverless::Function")
			continue
		}
		r := &resource{id: f.key.text, typ: typ.text, key: f.key, body: f.value}
		r.properties = f.value.get("Properties")
		switch {
		case r.properties == nil:
			r.properties = f.key.as(mapping)
		case r.properties.kind != mapping:
			if r.properties.kind != broken {
				s.fault(r.properties, fmt.Sprintf("Properties must be a mapping, not %s", r.properties.kind), "")
			}
			r.properties = r.properties.as(mapping)
		}
		s.resources = append(s.resources, r)
	}
	s.dropUnconditioned()
}

// dropUnconditioned leaves out the resources whose condition is false. All must
// be known before, since conditions may be wrong about them.
func (s *scope) dropUnconditioned() {
	kept := s.resources[:0]
	for _, r := range s.resources {
		if c := r.body.get("Condition"); c != nil {
			if truth, ok := s.truth(c); ok && !truth {
				continue
			}
		}
		kept = append(kept, r)
	}
	s.resources = kept
	for _, r := range s.resources {
		s.byID[r.id] = r
	}
}

// resource is the resource with a logical ID, or nil.
func (s *scope) resource(id string) *resource { return s.byID[id] }

// inert are the types that matter to AWS and change nothing on this machine:
// they are passed over in silence.
func inert(typ string) bool {
	switch typ {
	case "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::ApiGateway::Account", "AWS::CDK::Metadata",
		"AWS::CloudFormation::WaitConditionHandle", "AWS::Serverless::Connector":
		return true
	}
	return strings.HasPrefix(typ, "AWS::IAM::") || strings.HasPrefix(typ, "AWS::CloudWatch::") ||
		strings.HasPrefix(typ, "AWS::CodeDeploy::")
}

// nameProperty is the property that gives a resource its name, for the types
// that functions are told of most.
var nameProperty = map[string]string{
	"AWS::ApiGateway::Stage":           "StageName",
	"AWS::DynamoDB::Table":             "TableName",
	"AWS::Events::EventBus":            "Name",
	"AWS::Kinesis::Stream":             "Name",
	"AWS::Lambda::Function":            "FunctionName",
	"AWS::S3::Bucket":                  "BucketName",
	"AWS::SNS::Topic":                  "TopicName",
	"AWS::SQS::Queue":                  "QueueName",
	"AWS::SSM::Parameter":              "Name",
	"AWS::Serverless::Function":        "FunctionName",
	"AWS::Serverless::SimpleTable":     "TableName",
	"AWS::StepFunctions::StateMachine": "StateMachineName",
	"AWS::Serverless::StateMachine":    "Name",
}

func isFunction(typ string) bool {
	return typ == "AWS::Serverless::Function" || typ == "AWS::Lambda::Function"
}

func isRESTAPI(typ string) bool {
	return typ == "AWS::Serverless::Api" || typ == "AWS::ApiGateway::RestApi"
}

// physicalName is what a resource is called on this machine: the name that the
// template gives it, or its logical ID. CloudFormation would add the stack's
// name and random letters to the latter.
func (s *scope) physicalName(n *node, r *resource) *node {
	if known, ok := s.names[r.id]; ok {
		return known
	}
	name := r.key.textAt(r.id)
	property := nameProperty[r.typ]
	given := r.properties.get(property)
	if given == nil && r.typ == "AWS::Serverless::Function" {
		given = s.root.find("Globals", "Function", property) // SAM refuses it; so does the reader of globals
	}
	if given != nil && property != "" {
		ok := s.once(n, "the name of "+r.id, func() {
			switch v := s.resolve(given); {
			case v.scalar():
				name = v
			case v.kind == broken:
				name = v
			}
		})
		if !ok {
			return n.as(broken)
		}
	}
	s.names[r.id] = name
	return name
}
