// Package queue is the vocabulary of message queues: what a queue is set to, what
// is put into it, and what has a function take from it.
//
// It knows nothing of templates, stores or the SQS protocol.
package queue

import (
	"errors"
	"time"
)

// Settings are the attributes of one standard queue.
// Source: Amazon SQS API reference, CreateQueue.
type Settings struct {
	Name              string        // 1 to 80 of letters, digits, - and _
	VisibilityTimeout time.Duration // 0 to 12 h
	Delay             time.Duration // 0 to 15 min
	Wait              time.Duration // of a receive that says nothing of it; 0 to 20 s
	Retention         time.Duration // 60 s to 14 days
	MaximumMessage    int           // bytes, attributes included; 1 KiB to 1 MiB
	Redrive           *Redrive      // nil: a message is given out until it is deleted or too old
}

// The limits of settings. Source: Amazon SQS developer guide, quotas-messages.
const (
	MaxVisibilityTimeout = 12 * time.Hour
	MaxDelay             = 15 * time.Minute
	MaxWait              = 20 * time.Second
	MinRetention         = time.Minute
	MaxRetention         = 14 * 24 * time.Hour
	MinMaximumMessage    = 1024
	MaxMaximumMessage    = 1024 * 1024
)

// Defaults are the settings that a queue has where nothing is said.
// Source: Amazon SQS API reference, CreateQueue.
func Defaults(name string) Settings {
	return Settings{
		Name:              name,
		VisibilityTimeout: 30 * time.Second,
		Retention:         4 * 24 * time.Hour,
		MaximumMessage:    MaxMaximumMessage,
	}
}

// Redrive moves a message that was received too often to a dead-letter queue.
type Redrive struct {
	Target     string // ARN of the dead-letter queue
	MaxReceive int    // 1 to 1,000
}

// Message is what a sender puts into a queue.
type Message struct {
	Body       string // UTF-8
	Attributes []Attribute
	Trace      string // the system attribute AWSTraceHeader; "" for none
}

// Attribute is a message attribute. A Type that begins with Binary has its value
// in Binary, any other in Text.
// Source: Amazon SQS developer guide, sqs-message-metadata.
type Attribute struct {
	Name   string
	Type   string // "String", "Number", "Binary", or one of these with a label: "Number.float"
	Text   string
	Binary []byte
}

// Source is an event source mapping: a function takes from a queue, in batches.
// Source: AWS Lambda API reference, CreateEventSourceMapping.
type Source struct {
	UUID     string // "" to have one made
	Queue    string // ARN
	Function string // name or ARN
	Disabled bool

	BatchSize      int           // 1 to 10,000; 0 means 10
	Window         time.Duration // how long a batch is gathered, 0 to 300 s
	MaxConcurrency int           // 2 to 1,000; 0 means as Lambda chooses
	// ReportItemFailures has the function's answer say which messages failed.
	ReportItemFailures bool
}

// ErrRefused is in the chain of an error with which a queue says that it will
// never take this message.
var ErrRefused = errors.New("the queue refuses the message")
