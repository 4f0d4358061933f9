package sqs

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/queue"
)

var queueName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,80}$`)

// checkName refuses what can't be the name of a standard queue.
// Source: Amazon SQS API reference, CreateQueue.
func checkName(name string) *fault {
	switch {
	case strings.HasSuffix(name, ".fifo"):
		return &fault{code: "UnsupportedOperation", query: "AWS.SimpleQueueService.UnsupportedOperation", message: "Berth has standard queues only: there are no FIFO queues yet."}
	case !queueName.MatchString(name):
		return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// Attributes of queues that change nothing on this machine: who may do what, and
// how AWS encrypts.
var inertAttributes = []string{"KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "SqsManagedSseEnabled"}

// set gives settings the values of attributes, as the API names them.
// Source: Amazon SQS API reference, SetQueueAttributes.
func (q *Queues) set(s *queue.Settings, attributes map[string]string) *fault {
	for name, value := range attributes {
		seconds := func(to *time.Duration, least, most time.Duration) *fault {
			n, err := strconv.Atoi(value)
			if d := time.Duration(n) * time.Second; err == nil && d >= least && d <= most {
				*to = d
				return nil
			}
			return badAttribute(name)
		}
		var bad *fault
		switch name {
		case "VisibilityTimeout":
			bad = seconds(&s.VisibilityTimeout, 0, queue.MaxVisibilityTimeout)
		case "DelaySeconds":
			bad = seconds(&s.Delay, 0, queue.MaxDelay)
		case "ReceiveMessageWaitTimeSeconds":
			bad = seconds(&s.Wait, 0, queue.MaxWait)
		case "MessageRetentionPeriod":
			bad = seconds(&s.Retention, queue.MinRetention, queue.MaxRetention)
		case "MaximumMessageSize":
			n, err := strconv.Atoi(value)
			if err != nil || n < queue.MinMaximumMessage || n > queue.MaxMaximumMessage {
				bad = badAttribute(name)
			}
			s.MaximumMessage = n
		case "RedrivePolicy":
			s.Redrive, bad = q.redrive(value)
		case "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
			if value != "false" {
				bad = &fault{code: "InvalidAttributeName", message: "Berth has standard queues only: there are no FIFO queues yet."}
			}
		default:
			if !slices.Contains(inertAttributes, name) {
				bad = &fault{code: "InvalidAttributeName", message: "Unknown Attribute " + name + "."}
			}
		}
		if bad != nil {
			return bad
		}
	}
	return nil
}

func badAttribute(name string) *fault {
	return &fault{code: "InvalidAttributeValue", message: "Invalid value for the parameter " + name + "."}
}

// redrive reads a redrive policy. Its count comes as a number or as a string.
func (q *Queues) redrive(text string) (*queue.Redrive, *fault) {
	if text == "" {
		return nil, nil // takes the policy away
	}
	bad := func(why string) (*queue.Redrive, *fault) {
		return nil, invalid("Value %s for parameter RedrivePolicy is invalid. Reason: %s", text, why)
	}
	var policy struct {
		Target string          `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(text), &policy) != nil {
		return bad("Redrive policy is not a valid JSON map.")
	}
	max, err := strconv.Atoi(strings.Trim(string(policy.Max), `"`))
	switch {
	case policy.Target == "":
		return bad("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	case len(policy.Max) == 0:
		return bad("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	case err != nil || max < 1 || max > 1000:
		return bad("Invalid value for maxReceiveCount: " + string(policy.Max) + ", valid values are from 1 to 1000 both inclusive.")
	case !q.Has(policy.Target):
		return bad("Dead letter target does not exist.")
	}
	return &queue.Redrive{Target: policy.Target, MaxReceive: max}, nil
}

// show gives the attributes of a queue that names ask for, as the API names them;
// "All" is all.
// Source: Amazon SQS API reference, GetQueueAttributes.
func (q *Queues) show(s *shelf, names []string) (map[string]string, *fault) {
	d := s.describe()
	visible, hidden, delayed := s.counts(time.Now())
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	all := map[string]string{
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"CreatedTimestamp":                      strconv.FormatInt(d.Created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(d.Modified.Unix(), 10),
		"QueueArn":                              q.ARN(d.Settings.Name),
		"VisibilityTimeout":                     seconds(d.Settings.VisibilityTimeout),
		"DelaySeconds":                          seconds(d.Settings.Delay),
		"ReceiveMessageWaitTimeSeconds":         seconds(d.Settings.Wait),
		"MessageRetentionPeriod":                seconds(d.Settings.Retention),
		"MaximumMessageSize":                    strconv.Itoa(d.Settings.MaximumMessage),
	}
	if r := d.Settings.Redrive; r != nil {
		all["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, r.Target, r.MaxReceive)
	}
	if slices.Contains(names, "All") {
		return all, nil
	}
	chosen := map[string]string{}
	for _, name := range names {
		value, ok := all[name]
		switch {
		case ok:
			chosen[name] = value
		case name != "RedrivePolicy" && name != "FifoQueue" && !slices.Contains(inertAttributes, name):
			return nil, &fault{code: "InvalidAttributeName", message: "Unknown Attribute " + name + "."}
		}
	}
	return chosen, nil
}
