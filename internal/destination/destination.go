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
	"fmt"
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
