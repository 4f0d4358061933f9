package template

import (
	"fmt"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/queue"
)

// asynchronous reads what becomes of a function's asynchronous invocations: SAM's
// DeadLetterQueue and EventInvokeConfig.
// Source: AWS SAM developer guide, sam-property-function-deadletterqueue and
// sam-property-function-eventinvokeconfiguration.
func (m *maker) asynchronous(o object, f *Function) {
	if d, ok := o.object("DeadLetterQueue", "DeadLetterQueue"); ok {
		d.check(map[string]support{"TargetArn": reads, "Type": reads})
		d.require("TargetArn", "TargetArn: !GetAtt Queue.Arn")
		d.require("Type", "Type: SQS")
		typ, _ := d.choice("Type", "SQS", "SNS")
		f.Version.DeadLetterTarget = m.targetARN(d, "TargetArn", targetKinds[typ])
	}
	c, ok := o.object("EventInvokeConfig", "EventInvokeConfig")
	if !ok {
		return
	}
	f.EventInvoke = m.eventInvoke(c)
	if d, ok := c.object("DestinationConfig", "DestinationConfig"); ok {
		d.check(map[string]support{"OnFailure": reads, "OnSuccess": reads})
		f.EventInvoke.OnSuccess = m.serverlessDestination(d, "OnSuccess", f)
		f.EventInvoke.OnFailure = m.serverlessDestination(d, "OnFailure", f)
	}
}

// eventInvoke reads what SAM's and CloudFormation's configurations have in common.
func (m *maker) eventInvoke(c object) *function.EventInvokeConfig {
	out := &function.EventInvokeConfig{}
	if n, ok := c.whole("MaximumRetryAttempts", 0, function.MaxRetryAttempts, ""); ok {
		out.MaximumRetryAttempts = &n
	}
	if n, ok := c.whole("MaximumEventAgeInSeconds", int(function.MinEventAge/time.Second), int(function.MaxEventAge/time.Second), " s"); ok {
		out.MaximumEventAge = time.Duration(n) * time.Second
	}
	return out
}

// targetKinds are SAM's words for where records and dead letters go.
var targetKinds = map[string]function.TargetKind{
	"EventBridge": function.TargetEventBus,
	"Lambda":      function.TargetFunction,
	"S3Bucket":    function.TargetBucket,
	"SNS":         function.TargetTopic,
	"SQS":         function.TargetQueue,
}

// serverlessDestination reads OnSuccess or OnFailure. A queue that is asked for
// and not named is made, as SAM makes it.
func (m *maker) serverlessDestination(d object, name string, f *Function) (arn string) {
	c, ok := d.object(name, name)
	if !ok {
		return ""
	}
	c.check(map[string]support{"Destination": reads, "Type": reads})
	typ := ""
	if c.has("Type") || !c.has("Destination") {
		c.require("Type", "Type: SQS")
		kinds := []string{"SQS", "SNS", "Lambda", "EventBridge"}
		if name == "OnFailure" {
			kinds = append(kinds, "S3Bucket")
		}
		if typ, ok = c.choice("Type", kinds...); !ok {
			return ""
		}
	}
	switch {
	case c.has("Destination"):
		return m.destinationOf(f, c, targetKinds[typ])
	case typ == "SQS":
		made := queue.Defaults(f.LogicalID + name + "Queue")
		m.template.Queues = append(m.template.Queues, made)
		return m.arn("sqs", made.Name)
	case typ == "SNS":
		m.notice(c.n, "topics are not made here: records of this destination are dropped")
		return ""
	}
	c.require("Destination", "Destination: and its ARN")
	return ""
}

// destinationOf reads the ARN of a destination of f, which can't be f itself.
// Source: AWS Lambda API reference, PutFunctionEventInvokeConfig.
func (m *maker) destinationOf(f *Function, c object, kind function.TargetKind) string {
	arn := m.targetARN(c, "Destination", kind)
	if self := m.arn("lambda", "function:"+f.Version.Name); arn == self || strings.HasPrefix(arn, self+":") {
		m.fault(c.get("Destination"), "a function can't be a destination of itself", "")
		return ""
	}
	return arn
}

// targetARN reads the ARN of a destination or dead-letter target; kind is "" if it
// may be any.
func (m *maker) targetARN(o object, property string, kind function.TargetKind) string {
	arn, ok := o.text(property)
	if !ok {
		return ""
	}
	at := o.get(property)
	got, _, err := function.ParseTarget(arn)
	switch {
	case err != nil:
		m.fault(at, err.Error(), "name a resource of this template: !GetAtt Queue.Arn")
		return ""
	case kind != "" && got != kind:
		m.fault(at, fmt.Sprintf("%s is an ARN of %s, not of %s", quote(arn), got, kind), "let Type and ARN be of the same service")
		return ""
	}
	return arn
}

// plainEventInvoke reads AWS::Lambda::EventInvokeConfig.
// Source: AWS CloudFormation template reference, aws-resource-lambda-eventinvokeconfig.
func (m *maker) plainEventInvoke(r *resource) {
	o, ok := m.object(r.properties, "an EventInvokeConfig")
	if !ok {
		return
	}
	o.check(map[string]support{"DestinationConfig": reads, "FunctionName": reads, "MaximumEventAgeInSeconds": reads,
		"MaximumRetryAttempts": reads, "Qualifier": reads})
	o.require("FunctionName", "FunctionName: !Ref Function")
	o.require("Qualifier", "Qualifier: $LATEST")
	f := m.namedFunction(o, "FunctionName")
	if f == nil {
		return
	}
	if q, ok := o.text("Qualifier"); ok && q != function.Latest {
		m.notice(o.get("Qualifier"), "versions and aliases are not made yet; this configuration is left out")
		return
	}
	f.EventInvoke = m.eventInvoke(o)
	if d, ok := o.object("DestinationConfig", "DestinationConfig"); ok {
		d.check(map[string]support{"OnFailure": reads, "OnSuccess": reads})
		for name, to := range map[string]*string{"OnSuccess": &f.EventInvoke.OnSuccess, "OnFailure": &f.EventInvoke.OnFailure} {
			if c, ok := d.object(name, name); ok {
				c.check(map[string]support{"Destination": reads})
				c.require("Destination", "Destination: !GetAtt Queue.Arn")
				*to = m.destinationOf(f, c, "")
			}
		}
	}
}

// plainDeadLetters reads DeadLetterConfig.
// Source: AWS CloudFormation template reference, aws-properties-lambda-function-deadletterconfig.
func (m *maker) plainDeadLetters(o object, f *Function) {
	if d, ok := o.object("DeadLetterConfig", "DeadLetterConfig"); ok {
		d.check(map[string]support{"TargetArn": reads})
		f.Version.DeadLetterTarget = m.targetARN(d, "TargetArn", "")
	}
}

// namedFunction is the function of this template that a property names, by its name
// or its ARN; nil if there is none, or it is left out.
func (m *maker) namedFunction(o object, property string) *Function {
	name, ok := o.text(property)
	if !ok {
		return nil
	}
	if _, after, isARN := strings.Cut(name, ":function:"); isARN {
		name, _, _ = strings.Cut(after, ":")
	}
	if f := m.template.Function(name); f != nil && f.Version.Name == name {
		return f
	}
	for _, r := range m.resources { // one that is left out has its notice
		if isFunction(r.typ) && m.physicalName(r.key, r).text == name {
			return nil
		}
	}
	m.fault(o.get(property), quote(name)+" is no function of this template", property+": !Ref and the name of a function")
	return nil
}
