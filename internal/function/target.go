package function

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// TargetKind is a service that can get the records and the dead letters of
// asynchronous invocations.
type TargetKind string

// The kinds, named as they are in ARNs.
const (
	TargetFunction TargetKind = "lambda"
	TargetQueue    TargetKind = "sqs"
	TargetTopic    TargetKind = "sns"
	TargetEventBus TargetKind = "events"
	TargetBucket   TargetKind = "s3"
)

// ErrTarget is a text that is not the ARN of a possible target.
var ErrTarget = errors.New("not the ARN of a function, a standard queue or topic, an event bus or a bucket")

var targetRE = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:(lambda|sqs|sns|events|s3):([a-z0-9-]*):(\d{12})?:(.+)$`)

// ParseTarget takes a target's ARN apart. name is what follows the account: a queue's
// or topic's name, "function:<name>[:<qualifier>]", "event-bus/<name>", a bucket.
// FIFO queues and topics are none of Lambda's targets.
// Source: AWS Lambda API reference, PutFunctionEventInvokeConfig, DestinationConfig.
func ParseTarget(target string) (kind TargetKind, name string, err error) {
	m := targetRE.FindStringSubmatch(target)
	if m == nil {
		return "", "", fmt.Errorf("%q is %w", target, ErrTarget)
	}
	kind, name = TargetKind(m[1]), m[4]
	regional := m[2] != "" && m[3] != ""
	ok := false
	switch kind {
	case TargetFunction:
		ok = regional && strings.HasPrefix(name, "function:")
	case TargetQueue, TargetTopic:
		ok = regional && !strings.ContainsAny(name, ":/") && !strings.HasSuffix(name, ".fifo")
	case TargetEventBus:
		ok = regional && strings.HasPrefix(name, "event-bus/")
	case TargetBucket:
		ok = m[2] == "" && m[3] == "" && !strings.ContainsAny(name, ":/")
	}
	if !ok {
		return "", "", fmt.Errorf("%q is %w", target, ErrTarget)
	}
	return kind, name, nil
}
