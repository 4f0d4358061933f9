package service

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/eventsource"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/intake"
	"github.com/berthdev/berth/internal/queue"
)

// EventSources are the event source mappings. Their errors are none.
type EventSources interface {
	Put(queue.Source) eventsource.Entry
	Delete(id string) (e eventsource.Entry, ok bool)
	Get(id string) (e eventsource.Entry, ok bool)
	All() []eventsource.Entry
}

// Queues tells which queues there are to take from.
type Queues interface {
	Settings(arn string) (s queue.Settings, ok bool)
}

// mapping is EventSourceMappingConfiguration.
// Source: AWS Lambda API reference, EventSourceMappingConfiguration.
type mapping struct {
	UUID                           string
	BatchSize                      int
	MaximumBatchingWindowInSeconds int
	EventSourceArn                 string
	EventSourceMappingArn          string
	FunctionArn                    string
	FunctionResponseTypes          []string       `json:",omitempty"`
	ScalingConfig                  *scalingConfig `json:",omitempty"`
	LastModified                   float64        // seconds since the Unix epoch
	State                          string
	StateTransitionReason          string
}

type scalingConfig struct {
	MaximumConcurrency *int `json:",omitempty"`
}

// mappingIn is the body that makes or changes a mapping. What this machine can't
// do is here too, so that it is refused and not forgotten.
type mappingIn struct {
	EventSourceArn                 string
	FunctionName                   string
	Enabled                        *bool
	BatchSize                      *int
	MaximumBatchingWindowInSeconds *int
	FunctionResponseTypes          []string
	ScalingConfig                  *scalingConfig
	FilterCriteria                 *struct{ Filters []json.RawMessage }
}

const reportItemFailures = "ReportBatchItemFailures"

// describeMapping is e as the API shows it. state is what it is about to be, or
// "" for what it is.
func (s *Service) describeMapping(e eventsource.Entry, state string) mapping {
	m := mapping{
		UUID: e.UUID, BatchSize: e.BatchSize, MaximumBatchingWindowInSeconds: int(e.Window / time.Second), EventSourceArn: e.Queue,
		EventSourceMappingArn: strings.TrimSuffix(s.registry.ARN("", ""), "function:") + "event-source-mapping:" + e.UUID,
		FunctionArn:           s.registry.ARN(e.Function, ""),
		LastModified:          float64(e.Modified.UnixMilli()) / 1000,
		State:                 state, StateTransitionReason: "USER_INITIATED",
	}
	if state == "" {
		m.State = "Enabled"
		if e.Disabled {
			m.State = "Disabled"
		}
	}
	if e.ReportItemFailures {
		m.FunctionResponseTypes = []string{reportItemFailures}
	}
	if e.MaxConcurrency != 0 {
		m.ScalingConfig = &scalingConfig{&e.MaxConcurrency}
	}
	return m
}

// readMapping reads the body of a request and sets in source what it names.
func (s *Service) readMapping(c *call, source *queue.Source) (in mappingIn, err error) {
	body, err := intake.Read(c.w, c.r, 64*1024)
	if err != nil {
		return in, &function.Refusal{Type: function.InvalidRequestContent, Message: "The request's body did not arrive whole.", Err: err}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return in, &function.Refusal{Type: function.InvalidRequestContent, Message: "Could not parse request body into json: " + err.Error(), Err: err}
	}
	broken := []*function.Refusal{
		outside(in.BatchSize, "batchSize", 1, 10000),
		outside(in.MaximumBatchingWindowInSeconds, "maximumBatchingWindowInSeconds", 0, 300),
	}
	if in.ScalingConfig != nil {
		broken = append(broken, outside(in.ScalingConfig.MaximumConcurrency, "scalingConfig.maximumConcurrency", 2, 1000))
	}
	for _, word := range in.FunctionResponseTypes {
		if word != reportItemFailures {
			broken = append(broken, function.Constraint("["+strings.Join(in.FunctionResponseTypes, ", ")+"]", "functionResponseTypes",
				"Member must satisfy constraint: [Member must satisfy enum value set: ["+reportItemFailures+"]]"))
			break
		}
	}
	if err := allBroken(broken); err != nil {
		return in, err
	}
	if in.FilterCriteria != nil && len(in.FilterCriteria.Filters) > 0 {
		return in, &function.Refusal{Type: unsupportedOperation, Message: "Berth does not filter the messages of event sources yet: leave out FilterCriteria"}
	}
	if in.Enabled != nil {
		source.Disabled = !*in.Enabled
	}
	if in.BatchSize != nil {
		source.BatchSize = *in.BatchSize
	}
	if in.MaximumBatchingWindowInSeconds != nil {
		source.Window = time.Duration(*in.MaximumBatchingWindowInSeconds) * time.Second
	}
	if in.FunctionResponseTypes != nil {
		source.ReportItemFailures = len(in.FunctionResponseTypes) > 0
	}
	if in.ScalingConfig != nil {
		source.MaxConcurrency = 0
		if n := in.ScalingConfig.MaximumConcurrency; n != nil {
			source.MaxConcurrency = *n
		}
	}
	if source.BatchSize > 10 && source.Window < time.Second {
		return in, &function.Refusal{Type: function.InvalidParameterValue,
			Message: "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"}
	}
	return in, nil
}

// setFunction has a mapping invoke the function that a request names.
func (s *Service) setFunction(name string, source *queue.Source) error {
	found, err := s.registry.Resolve(name, "")
	if err != nil {
		return err
	}
	source.Function = found.Version.Name
	return eventsource.Check(found.Version)
}

// createEventSourceMapping is the operation CreateEventSourceMapping, for queues.
// Source: AWS Lambda API reference, CreateEventSourceMapping.
func (s *Service) createEventSourceMapping(c *call) error {
	source := queue.Source{BatchSize: 10}
	in, err := s.readMapping(c, &source)
	if err != nil {
		return err
	}
	if in.FunctionName == "" {
		return &function.Refusal{Type: function.Validation,
			Message: "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null"}
	}
	if err := s.setFunction(in.FunctionName, &source); err != nil {
		return err
	}
	source.Queue = in.EventSourceArn
	switch _, ok := s.queues.Settings(in.EventSourceArn); {
	case ok:
	case strings.Contains(in.EventSourceArn, ":sqs:"):
		return &function.Refusal{Type: function.InvalidParameterValue,
			Message: "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."}
	default:
		return &function.Refusal{Type: unsupportedOperation, Message: "Berth has queues as event sources only: EventSourceArn must be the ARN of an SQS queue of this machine"}
	}
	for _, e := range s.sources.All() {
		if e.Queue == source.Queue && e.Function == source.Function {
			return &function.Refusal{Type: "ResourceConflictException", Message: fmt.Sprintf(
				`An event source mapping with SQS arn (" %s ") and function (" %s ") already exists. Please update or delete the existing mapping with UUID %s`,
				source.Queue, source.Function, e.UUID)}
		}
	}
	writeJSON(c.w, c.requestID, http.StatusAccepted, encode(s.describeMapping(s.sources.Put(source), "Creating")))
	return nil
}

// noMapping is what there is to say of an unknown UUID.
func noMapping() error {
	return &function.Refusal{Type: function.ResourceNotFound, Message: "The resource you requested does not exist."}
}

// getEventSourceMapping is the operation GetEventSourceMapping.
// Source: AWS Lambda API reference, GetEventSourceMapping.
func (s *Service) getEventSourceMapping(c *call) error {
	e, ok := s.sources.Get(c.labels["UUID"])
	if !ok {
		return noMapping()
	}
	writeJSON(c.w, c.requestID, http.StatusOK, encode(s.describeMapping(e, "")))
	return nil
}

// updateEventSourceMapping is the operation UpdateEventSourceMapping.
// Source: AWS Lambda API reference, UpdateEventSourceMapping.
func (s *Service) updateEventSourceMapping(c *call) error {
	e, ok := s.sources.Get(c.labels["UUID"])
	if !ok {
		return noMapping()
	}
	source := e.Source
	in, err := s.readMapping(c, &source)
	if err != nil {
		return err
	}
	if in.FunctionName != "" {
		if err := s.setFunction(in.FunctionName, &source); err != nil {
			return err
		}
	}
	writeJSON(c.w, c.requestID, http.StatusAccepted, encode(s.describeMapping(s.sources.Put(source), "Updating")))
	return nil
}

// deleteEventSourceMapping is the operation DeleteEventSourceMapping.
// Source: AWS Lambda API reference, DeleteEventSourceMapping.
func (s *Service) deleteEventSourceMapping(c *call) error {
	e, ok := s.sources.Delete(c.labels["UUID"])
	if !ok {
		return noMapping()
	}
	writeJSON(c.w, c.requestID, http.StatusAccepted, encode(s.describeMapping(e, "Deleting")))
	return nil
}

// listEventSourceMappings is the operation ListEventSourceMappings. A Marker is
// the UUID that the next page begins after, in base64.
// Source: AWS Lambda API reference, ListEventSourceMappings.
func (s *Service) listEventSourceMappings(c *call) error {
	query := c.r.URL.Query()
	after, err := base64.URLEncoding.DecodeString(query.Get("Marker"))
	if err != nil {
		return &function.Refusal{Type: function.InvalidParameterValue, Message: "The Marker is not one that ListEventSourceMappings gave"}
	}
	name := query.Get("FunctionName")
	if name != "" {
		found, err := s.registry.Resolve(name, "")
		if err != nil {
			return err
		}
		name = found.Version.Name
	}
	arn := query.Get("EventSourceArn")
	rest := slices.DeleteFunc(s.sources.All(), func(e eventsource.Entry) bool {
		return e.UUID <= string(after) || name != "" && e.Function != name || arn != "" && e.Queue != arn
	})
	page := struct {
		EventSourceMappings []mapping
		NextMarker          string `json:",omitempty"`
	}{EventSourceMappings: []mapping{}}
	for i, e := range rest {
		if i == mappingPage {
			page.NextMarker = base64.URLEncoding.EncodeToString([]byte(rest[i-1].UUID))
			break
		}
		page.EventSourceMappings = append(page.EventSourceMappings, s.describeMapping(e, ""))
	}
	writeJSON(c.w, c.requestID, http.StatusOK, encode(page))
	return nil
}

// mappingPage is how many mappings one answer holds at most.
// Source: AWS Lambda API reference, ListEventSourceMappings, MaxItems.
const mappingPage = 100

// sourceOperations are the operations on event source mappings.
var sourceOperations = map[string]func(*Service, *call) error{
	"CreateEventSourceMapping": (*Service).createEventSourceMapping,
	"DeleteEventSourceMapping": (*Service).deleteEventSourceMapping,
	"GetEventSourceMapping":    (*Service).getEventSourceMapping,
	"ListEventSourceMappings":  (*Service).listEventSourceMappings,
	"UpdateEventSourceMapping": (*Service).updateEventSourceMapping,
}
