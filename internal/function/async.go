package function

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits and defaults of asynchronous invocation.
// Source: AWS Lambda API reference, PutFunctionEventInvokeConfig; AWS Lambda
// developer guide, gettingstarted-limits.
const (
	// MaxEvent is the largest event that an asynchronous Invoke takes, in bytes.
	MaxEvent = 1024 * 1024

	MaxRetryAttempts = 2
	MinEventAge      = 60 * time.Second
	MaxEventAge      = 6 * time.Hour
)

// EventInvokeConfig says what becomes of the asynchronous invocations of one
// qualifier of a function.
// Source: AWS Lambda API reference, FunctionEventInvokeConfig.
type EventInvokeConfig struct {
	MaximumRetryAttempts *int          // 0 to MaxRetryAttempts; nil means MaxRetryAttempts
	MaximumEventAge      time.Duration // MinEventAge to MaxEventAge, whole seconds; 0 means MaxEventAge
	OnSuccess            string        // ARN of the destination for records of success; "" for none
	OnFailure            string        // ARN of the destination for records of failure; "" for none
	LastModified         time.Time
}

// Retries is how often a function that answers with an error is tried again.
func (c EventInvokeConfig) Retries() int {
	if c.MaximumRetryAttempts == nil {
		return MaxRetryAttempts
	}
	return *c.MaximumRetryAttempts
}

// EventAge is how old an event may be when an attempt begins.
func (c EventInvokeConfig) EventAge() time.Duration {
	if c.MaximumEventAge == 0 {
		return MaxEventAge
	}
	return c.MaximumEventAge
}

// EventInvokeConfigs holds the configurations of all functions. It is safe for
// concurrent use.
type EventInvokeConfigs struct {
	mu  sync.RWMutex
	all map[qualified]EventInvokeConfig
}

// qualified names a version or an alias of a function.
type qualified struct {
	name      string
	qualifier string // "$LATEST" where a caller gave none
}

func qualify(name, qualifier string) qualified {
	if qualifier == "" {
		qualifier = Latest
	}
	return qualified{name, qualifier}
}

// NewEventInvokeConfigs returns an empty collection.
func NewEventInvokeConfigs() *EventInvokeConfigs {
	return &EventInvokeConfigs{all: map[qualified]EventInvokeConfig{}}
}

// Put sets the configuration of one qualifier; "" means $LATEST.
func (e *EventInvokeConfigs) Put(name, qualifier string, c EventInvokeConfig) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all[qualify(name, qualifier)] = c
}

// Get returns the configuration of one qualifier; "" means $LATEST. Without one
// it is the zero value, which has Lambda's defaults, and ok is false.
func (e *EventInvokeConfigs) Get(name, qualifier string) (c EventInvokeConfig, ok bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	c, ok = e.all[qualify(name, qualifier)]
	return c, ok
}

// Delete removes the configuration of one qualifier; ok is false if there was
// none.
func (e *EventInvokeConfigs) Delete(name, qualifier string) (ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok = e.all[qualify(name, qualifier)]
	delete(e.all, qualify(name, qualifier))
	return ok
}

// Qualifiers are the qualifiers of a function that have a configuration, sorted.
func (e *EventInvokeConfigs) Qualifiers(name string) []string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var all []string
	for key := range e.all {
		if key.name == name {
			all = append(all, key.qualifier)
		}
	}
	slices.SortFunc(all, strings.Compare)
	return all
}
