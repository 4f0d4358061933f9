package template

import (
	"fmt"
	"strings"
)

func (s *scope) callRef(n *node) *node {
	if n.arg.kind != text {
		if n.arg.kind != broken {
			s.fault(n, "Ref takes the name of a parameter or resource", "")
		}
		return n.as(broken)
	}
	if v, ok := s.ref(n, n.arg.text); ok {
		return v
	}
	s.fault(n, fmt.Sprintf("%s names no parameter and no resource", quote(n.arg.text)), didYouMean(n.arg.text, s.referable()))
	return n.as(broken)
}

// ref is what Ref gives for a name. ok is false if nothing has that name; no
// fault is noted then.
func (s *scope) ref(n *node, name string) (*node, bool) {
	if strings.HasPrefix(name, "AWS::") {
		return s.pseudoParameter(n, name)
	}
	if s.root.find("Parameters", name) != nil {
		return s.parameter(n, name), true
	}
	r := s.resource(name)
	if r == nil {
		if id, ok := s.generated(name); ok {
			return n.textAt(id), true
		}
		return nil, false
	}
	v := s.physicalName(n, r)
	if v.kind == broken {
		return n.as(broken), true
	}
	switch r.typ {
	case "AWS::SQS::Queue": // Ref gives the URL
		return n.textAt("https://sqs." + s.cfg.Region + ".amazonaws.com/" + s.cfg.Account + "/" + v.text), true
	case "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine": // Ref gives the ARN
		return n.textAt(s.resourceARN(r, v.text)), true
	}
	return v.moved(n), true
}

// generated tells whether a name is one that SAM makes out of the template's:
// the implicit API, a function's role, an API's stage.
// Source: AWS SAM developer guide, sam-specification-generated-resources.
func (s *scope) generated(name string) (id string, ok bool) {
	switch name {
	case implicitAPI, "ServerlessHttpApi":
		return name, true
	case implicitAPI + "ProdStage":
		return implicitStage, true
	}
	if id, attribute, ok := strings.Cut(name, "."); ok { // ${Function.Version}, and Ref: Api.Stage
		r := s.resource(id)
		if r == nil {
			return "", false
		}
		switch {
		case isFunction(r.typ) && (attribute == "Version" || attribute == "Alias"):
			return r.id, true
		case r.typ == "AWS::Serverless::Api" && attribute == "Stage":
			return s.stageName(r), true
		}
		return r.id, attribute == "Deployment" && r.typ == "AWS::Serverless::Api"
	}
	for _, r := range s.resources {
		rest, of := strings.CutPrefix(name, r.id)
		switch {
		case !of || rest == "":
		case r.typ == "AWS::Serverless::Function":
			if rest == "Role" || rest == "Url" || strings.HasPrefix(rest, "Alias") || strings.HasPrefix(rest, "Version") || strings.HasSuffix(rest, "Permission") {
				return name, true
			}
		case r.typ == "AWS::Serverless::Api":
			if rest == "Stage" || rest == s.stageName(r)+"Stage" {
				return s.stageName(r), true
			}
			if strings.HasPrefix(rest, "Deployment") {
				return name, true
			}
		}
	}
	return "", false
}

func (s *scope) stageName(r *resource) string {
	given := r.properties.get("StageName")
	if given == nil {
		return implicitStage
	}
	stage := ""
	s.once(given, "the stage of "+r.id, func() {
		if v := s.resolve(given); v.scalar() {
			stage = v.text
		}
	})
	return stage
}

// callGetAtt takes "Name.Attribute" or [Name, Attribute].
func (s *scope) callGetAtt(n *node) *node {
	switch arg := n.arg; {
	case arg.kind == text:
		if id, attribute, ok := strings.Cut(arg.text, "."); ok {
			return s.getAtt(n, id, attribute)
		}
	case arg.kind == list && len(arg.items) >= 2 && arg.items[0].kind == text:
		if attribute, ok := s.text(arg.items[1], "the attribute"); ok {
			for _, part := range arg.items[2:] {
				more, ok := s.text(part, "the attribute")
				if !ok {
					return n.as(broken)
				}
				attribute += "." + more
			}
			return s.getAtt(n, arg.items[0].text, attribute)
		}
		return n.as(broken)
	case arg.kind == broken:
		return n.as(broken)
	}
	s.fault(n, "Fn::GetAtt takes a resource and one of its attributes", "!GetAtt Function.Arn")
	return n.as(broken)
}

// getAtt is an attribute of a resource. What only AWS could know is its logical
// ID and the attribute's name, and a notice.
func (s *scope) getAtt(n *node, id, attribute string) *node {
	r := s.resource(id)
	if r == nil {
		if made, ok := s.generated(id + "." + attribute); ok {
			return n.textAt(made)
		}
		if made, ok := s.generated(id); ok {
			return s.unknown(n, made+"."+attribute)
		}
		var ids []string
		for _, r := range s.resources {
			ids = append(ids, r.id)
		}
		s.fault(n, fmt.Sprintf("%s names no resource", quote(id)), didYouMean(id, ids))
		return n.as(broken)
	}
	v := s.physicalName(n, r)
	if v.kind == broken {
		return n.as(broken)
	}
	switch {
	case isFunction(r.typ):
		switch attribute {
		case "Arn":
			return n.textAt(s.resourceARN(r, v.text))
		case "Version", "Alias":
			return n.textAt(s.resourceARN(r, v.text) + ":$LATEST")
		}
		if suggest(attribute, []string{"Arn"}) != "" {
			s.fault(n, fmt.Sprintf("a function has no attribute %s", quote(attribute)), didYouMean(attribute, []string{"Arn"}))
			return n.as(broken)
		}
	case isRESTAPI(r.typ) && (attribute == "RootResourceId" || attribute == "RestApiId"):
		return n.textAt(id)
	case attribute == "Arn" || attribute == "TopicArn":
		return n.textAt(s.resourceARN(r, v.text))
	case attribute == strings.TrimSuffix(nameProperty[r.typ], "Name")+"Name": // QueueName, TopicName
		return v.moved(n)
	case r.typ == "AWS::SQS::Queue" && attribute == "QueueUrl":
		url, _ := s.ref(n, id)
		return url
	}
	return s.unknown(n, id+"."+attribute)
}

func (s *scope) unknown(n *node, name string) *node {
	s.notice(n, "only AWS knows this attribute; the value here is the text "+quote(name))
	return n.textAt(name)
}

// resourceARN is the ARN of a resource, made as AWS makes it for the types that
// functions are told of most.
// Source: AWS service authorization reference, resource types of each service.
func (s *scope) resourceARN(r *resource, name string) string {
	switch r.typ {
	case "AWS::Serverless::Function", "AWS::Lambda::Function":
		return s.arn("lambda", "function:"+name)
	case "AWS::DynamoDB::Table", "AWS::Serverless::SimpleTable":
		return s.arn("dynamodb", "table/"+name)
	case "AWS::S3::Bucket":
		return "arn:" + partition(s.cfg.Region) + ":s3:::" + name
	case "AWS::SQS::Queue":
		return s.arn("sqs", name)
	case "AWS::SNS::Topic":
		return s.arn("sns", name)
	case "AWS::Kinesis::Stream":
		return s.arn("kinesis", "stream/"+name)
	case "AWS::Events::EventBus":
		return s.arn("events", "event-bus/"+name)
	case "AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine":
		return s.arn("states", "stateMachine:"+name)
	case "AWS::IAM::Role":
		return "arn:" + partition(s.cfg.Region) + ":iam::" + s.cfg.Account + ":role/" + name
	}
	service := strings.ToLower(strings.Split(r.typ+"::", "::")[1])
	return s.arn(service, name)
}

// checkReferences notes every name in n that is neither a parameter nor a
// resource, in the parts of a template that are otherwise not evaluated.
func (s *scope) checkReferences(n *node) {
	if s.full() {
		return
	}
	switch n.kind {
	case list:
		for _, item := range n.items {
			s.checkReferences(item)
		}
	case mapping:
		for _, f := range n.fields {
			s.checkReferences(f.value)
		}
	case call:
		switch n.name {
		case "Ref":
			if n.arg.kind == text && !s.exists(n.arg.text) {
				s.callRef(n)
			}
		case "Fn::GetAtt":
			id := n.arg
			if id.kind == list && len(id.items) > 0 {
				id = id.items[0]
			}
			if name, _, _ := strings.Cut(id.text, "."); id.kind == text && !s.exists(name) {
				s.callGetAtt(n)
			}
		default:
			s.checkReferences(n.arg)
		}
	}
}

// exists also knows the resources whose condition is false.
func (s *scope) exists(name string) bool {
	if s.root.find("Parameters", name) != nil || s.root.find("Resources", name) != nil {
		return true
	}
	for _, p := range pseudo {
		if p == name {
			return true
		}
	}
	_, ok := s.generated(name)
	return ok
}
