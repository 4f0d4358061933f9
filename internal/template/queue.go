package template

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/queue"
)

// queueProperties are those of AWS::SQS::Queue.
// Source: AWS CloudFormation template reference, aws-resource-sqs-queue.
var queueProperties = map[string]support{
	"ContentBasedDeduplication":     reads,
	"DeduplicationScope":            ignore,
	"DelaySeconds":                  reads,
	"FifoQueue":                     reads,
	"FifoThroughputLimit":           ignore,
	"KmsDataKeyReusePeriodSeconds":  ignore,
	"KmsMasterKeyId":                ignore,
	"MaximumMessageSize":            reads,
	"MessageRetentionPeriod":        reads,
	"QueueName":                     reads,
	"ReceiveMessageWaitTimeSeconds": reads,
	"RedriveAllowPolicy":            ignore,
	"RedrivePolicy":                 reads,
	"SqsManagedSseEnabled":          ignore,
	"Tags":                          ignore,
	"VisibilityTimeout":             reads,
}

var queueName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,80}$`)

// sqsQueue reads a queue.
func (m *maker) sqsQueue(r *resource) {
	o, ok := m.object(r.properties, "a queue")
	if !ok {
		return
	}
	o.check(queueProperties)
	if fifo, ok := o.flag("FifoQueue"); ok && fifo {
		m.notice(o.n.get("FifoQueue"), "FIFO queues are not supported yet; "+r.id+" is left out")
		return
	}
	name := m.physicalName(r.key, r)
	if name.kind == broken {
		return
	}
	if !queueName.MatchString(name.text) {
		m.fault(name, quote(name.text)+" is not a queue's name", "1 to 80 of letters, digits, - and _")
		return
	}
	s := queue.Defaults(name.text)
	for _, p := range []struct {
		name        string
		to          *time.Duration
		least, most time.Duration
	}{
		{"VisibilityTimeout", &s.VisibilityTimeout, 0, queue.MaxVisibilityTimeout},
		{"DelaySeconds", &s.Delay, 0, queue.MaxDelay},
		{"ReceiveMessageWaitTimeSeconds", &s.Wait, 0, queue.MaxWait},
		{"MessageRetentionPeriod", &s.Retention, queue.MinRetention, queue.MaxRetention},
	} {
		if n, ok := o.whole(p.name, int(p.least/time.Second), int(p.most/time.Second), " s"); ok {
			*p.to = time.Duration(n) * time.Second
		}
	}
	if n, ok := o.whole("MaximumMessageSize", queue.MinMaximumMessage, queue.MaxMaximumMessage, " bytes"); ok {
		s.MaximumMessage = n
	}
	s.Redrive = m.redrive(o)
	m.template.Queues = append(m.template.Queues, s)
}

// redrive reads a RedrivePolicy, which is a mapping, or JSON in a string.
func (m *maker) redrive(o object) *queue.Redrive {
	v := o.get("RedrivePolicy")
	if v == nil {
		return nil
	}
	if v.kind == text {
		var policy struct {
			Target string `json:"deadLetterTargetArn"`
			Max    int    `json:"maxReceiveCount"`
		}
		if err := json.Unmarshal([]byte(v.text), &policy); err != nil || policy.Target == "" || policy.Max < 1 || policy.Max > 1000 {
			m.fault(v, "it is not a redrive policy", "deadLetterTargetArn: and maxReceiveCount:")
			return nil
		}
		return &queue.Redrive{Target: policy.Target, MaxReceive: policy.Max}
	}
	p, ok := o.object("RedrivePolicy", "RedrivePolicy")
	if !ok {
		return nil
	}
	p.check(map[string]support{"deadLetterTargetArn": reads, "maxReceiveCount": reads})
	p.require("deadLetterTargetArn", "deadLetterTargetArn: !GetAtt Queue.Arn")
	p.require("maxReceiveCount", "maxReceiveCount: 3")
	target, ok1 := p.text("deadLetterTargetArn")
	max, ok2 := p.whole("maxReceiveCount", 1, 1000, "")
	if !ok1 || !ok2 {
		return nil
	}
	return &queue.Redrive{Target: target, MaxReceive: max}
}

// sourceProperties are those of event source mappings of queues. SAM and
// CloudFormation name only the queue differently.
// Source: AWS SAM developer guide, sam-property-function-sqs; AWS CloudFormation
// template reference, aws-resource-lambda-eventsourcemapping.
func sourceProperties(more ...string) map[string]support {
	all := map[string]support{
		"BatchSize":                      reads,
		"Enabled":                        reads,
		"FilterCriteria":                 later("messages are not filtered yet: the function gets them all"),
		"FunctionResponseTypes":          reads,
		"KmsKeyArn":                      ignore,
		"LoggingConfig":                  ignore,
		"MaximumBatchingWindowInSeconds": reads,
		"MetricsConfig":                  ignore,
		"ProvisionedPollerConfig":        ignore,
		"ScalingConfig":                  reads,
		"Tags":                           ignore,
	}
	for _, name := range more {
		all[name] = reads
	}
	return all
}

// sqsEvent reads an event of type SQS.
func (m *maker) sqsEvent(properties *node, f *Function) {
	o, ok := m.object(properties, "an SQS event")
	if !ok {
		return
	}
	o.check(sourceProperties("Queue"))
	o.require("Queue", "Queue: !GetAtt Queue.Arn")
	m.source(o, "Queue", f)
}

// plainSource reads AWS::Lambda::EventSourceMapping, if it is one of a queue.
func (m *maker) plainSource(r *resource) {
	o, ok := m.object(r.properties, "an event source mapping")
	if !ok {
		return
	}
	arn, _ := o.text("EventSourceArn")
	if arn != "" && !strings.Contains(arn, ":sqs:") {
		m.notice(o.get("EventSourceArn"), "event sources other than queues are not supported yet; "+r.id+" is left out")
		return
	}
	o.check(sourceProperties("EventSourceArn", "FunctionName"))
	o.require("EventSourceArn", "EventSourceArn: !GetAtt Queue.Arn")
	o.require("FunctionName", "FunctionName: !Ref Function")
	f := m.namedFunction(o, "FunctionName")
	if f == nil {
		return
	}
	if f.Version.TenantIsolation {
		m.checkIsolatedEvent(o.n.get("FunctionName"), "SQS")
		return
	}
	m.source(o, "EventSourceArn", f)
}

// source reads an event source mapping of a queue, whose ARN is in a property.
func (m *maker) source(o object, property string, f *Function) {
	arn, ok := o.text(property)
	if !ok {
		return
	}
	if parts := strings.Split(arn, ":"); len(parts) != 6 || parts[2] != "sqs" {
		m.fault(o.get(property), quote(arn)+" is not the ARN of a queue", property+": !GetAtt Queue.Arn")
		return
	}
	if strings.HasSuffix(arn, ".fifo") {
		m.notice(o.get(property), "FIFO queues are not supported yet; this event source is left out")
		return
	}
	s := queue.Source{Queue: arn, Function: f.Version.Name, BatchSize: 10}
	if n, ok := o.whole("BatchSize", 1, 10000, ""); ok {
		s.BatchSize = n
	}
	if n, ok := o.whole("MaximumBatchingWindowInSeconds", 0, 300, " s"); ok {
		s.Window = time.Duration(n) * time.Second
	}
	if s.BatchSize > 10 && s.Window < time.Second {
		m.fault(o.get("BatchSize"), "a batch of more than 10 messages needs a window of 1 s at least", "MaximumBatchingWindowInSeconds: 1")
	}
	if enabled, ok := o.flag("Enabled"); ok {
		s.Disabled = !enabled
	}
	if c, ok := o.object("ScalingConfig", "ScalingConfig"); ok {
		c.check(map[string]support{"MaximumConcurrency": reads})
		s.MaxConcurrency, _ = c.whole("MaximumConcurrency", 2, 1000, "")
	}
	for _, item := range o.list("FunctionResponseTypes") {
		if !item.scalar() || item.text != "ReportBatchItemFailures" {
			m.fault(item, item.show()+" is not a response type", "ReportBatchItemFailures")
			continue
		}
		s.ReportItemFailures = true
	}
	m.template.Sources = append(m.template.Sources, s)
}

// straySources leaves out the event sources of functions that are left out.
func (m *maker) straySources() {
	m.template.Sources = slices.DeleteFunc(m.template.Sources, func(s queue.Source) bool { return m.template.Function(s.Function) == nil })
}
