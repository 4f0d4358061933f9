// Package destination brings what is left of an asynchronous invocation to where
// its function's configuration sends it: records of success and failure to
// destinations, and events that were given up to dead-letter queues.
//
// An [Outbox] keeps each [Message] on the disk until its target has it. Targets
// of this machine, functions and queues, get a message exactly once: it leaves
// the outbox in the transaction that puts it into its target. Others are reached
// through a [Sender], and get it at least once. The package knows nothing of
// retries of invocations, nor of how records look.
package destination

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/queue"
)

// Message is what one target is to get.
type Message struct {
	Target string `json:"target"` // ARN of a function, queue, topic, event bus or bucket
	Body   []byte `json:"body"`   // JSON

	// Attributes are the message attributes for queues and topics.
	Attributes []queue.Attribute `json:"attributes,omitempty"`

	// Where it comes from.
	RequestID string            `json:"requestId"`
	Function  string            `json:"function"` // ARN with a qualifier
	Tenant    function.TenantID `json:"tenantId,omitempty"`
	TraceID   string            `json:"traceId,omitempty"`
	Success   bool              `json:"success,omitempty"`
	Time      time.Time         `json:"time"`
}

// RefusedError is a message that its target does not take: to try again would
// not help.
type RefusedError struct {
	Target string
	Reason string
	Err    error
}

func (e *RefusedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s refused a message: %s: %v", e.Target, e.Reason, e.Err)
	}
	return fmt.Sprintf("%s refused a message: %s", e.Target, e.Reason)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// Kind is a service that can be a target.
type Kind string

// The kinds, named as they are in ARNs.
const (
	Function Kind = "lambda"
	Queue    Kind = "sqs"
	Topic    Kind = "sns"
	EventBus Kind = "events"
	Bucket   Kind = "s3"
)

// ErrARN is a text that is not the ARN of a possible target.
var ErrARN = errors.New("not the ARN of a function, a standard queue or topic, an event bus or a bucket")

var arn = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:(lambda|sqs|sns|events|s3):([a-z0-9-]*):(\d{12})?:(.+)$`)

// Parse takes a target's ARN apart. name is what follows the account: a queue's
// or topic's name, "function:<name>[:<qualifier>]", "event-bus/<name>", a bucket.
// FIFO queues and topics are none of Lambda's targets.
// Source: AWS Lambda API reference, PutFunctionEventInvokeConfig, DestinationConfig.
func Parse(target string) (kind Kind, name string, err error) {
	m := arn.FindStringSubmatch(target)
	if m == nil {
		return "", "", fmt.Errorf("%q is %w", target, ErrARN)
	}
	kind, name = Kind(m[1]), m[4]
	regional := m[2] != "" && m[3] != ""
	ok := false
	switch kind {
	case Function:
		ok = regional && strings.HasPrefix(name, "function:")
	case Queue, Topic:
		ok = regional && !strings.ContainsAny(name, ":/") && !strings.HasSuffix(name, ".fifo")
	case EventBus:
		ok = regional && strings.HasPrefix(name, "event-bus/")
	case Bucket:
		ok = m[2] == "" && m[3] == "" && !strings.ContainsAny(name, ":/")
	}
	if !ok {
		return "", "", fmt.Errorf("%q is %w", target, ErrARN)
	}
	return kind, name, nil
}
