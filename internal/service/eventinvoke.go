package service

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/intake"
)

// eventInvokeConfig is FunctionEventInvokeConfig, and the body that sets one.
// Source: AWS Lambda API reference, FunctionEventInvokeConfig.
type eventInvokeConfig struct {
	LastModified             float64 `json:",omitzero"` // seconds since the Unix epoch; only in answers
	FunctionArn              string  `json:",omitempty"`
	MaximumRetryAttempts     *int    `json:",omitempty"`
	MaximumEventAgeInSeconds *int    `json:",omitempty"`
	DestinationConfig        *destinationConfig
}

type destinationConfig struct {
	OnSuccess *onEnd
	OnFailure *onEnd
}

type onEnd struct {
	Destination string `json:",omitempty"`
}

func describeEventInvoke(c function.EventInvokeConfig, arn string) eventInvokeConfig {
	out := eventInvokeConfig{
		LastModified:         float64(c.LastModified.UnixMilli()) / 1000,
		FunctionArn:          arn,
		MaximumRetryAttempts: c.MaximumRetryAttempts,
		DestinationConfig:    &destinationConfig{OnSuccess: &onEnd{c.OnSuccess}, OnFailure: &onEnd{c.OnFailure}},
	}
	if c.MaximumEventAge != 0 {
		out.MaximumEventAgeInSeconds = new(int(c.MaximumEventAge / time.Second))
	}
	return out
}

// eventInvokeTarget is the function and qualifier that an operation is about.
type eventInvokeTarget struct {
	name, qualifier string
	arn             string // with a qualifier
}

func (s *Service) eventInvokeTarget(c *call) (eventInvokeTarget, error) {
	found, err := s.registry.Resolve(c.labels["FunctionName"], c.r.URL.Query().Get("Qualifier"))
	if err != nil {
		return eventInvokeTarget{}, err
	}
	t := eventInvokeTarget{name: found.Version.Name, qualifier: function.Latest, arn: found.InvokedARN}
	if bare := s.registry.ARN(t.name, ""); t.arn == bare {
		t.arn = s.registry.ARN(t.name, function.Latest)
	} else {
		t.qualifier = strings.TrimPrefix(t.arn, bare+":")
	}
	return t, nil
}

// noEventInvokeConfig is what there is to say of a qualifier without a
// configuration of its own.
func noEventInvokeConfig(t eventInvokeTarget) error {
	return &function.Refusal{Type: function.ResourceNotFound, Message: "The function " + t.arn + " doesn't have an EventInvokeConfig"}
}

// putEventInvokeConfig is the operation PutFunctionEventInvokeConfig: what the
// request doesn't name is Lambda's default afterwards.
// Source: AWS Lambda API reference, PutFunctionEventInvokeConfig.
func (s *Service) putEventInvokeConfig(c *call) error {
	return s.setEventInvokeConfig(c, func(eventInvokeTarget) (function.EventInvokeConfig, error) {
		return function.EventInvokeConfig{}, nil
	})
}

// updateEventInvokeConfig is the operation UpdateFunctionEventInvokeConfig: what
// the request doesn't name stays as it is.
// Source: AWS Lambda API reference, UpdateFunctionEventInvokeConfig.
func (s *Service) updateEventInvokeConfig(c *call) error {
	return s.setEventInvokeConfig(c, func(t eventInvokeTarget) (function.EventInvokeConfig, error) {
		cfg, ok := s.eventInvoke.Get(t.name, t.qualifier)
		if !ok {
			return cfg, noEventInvokeConfig(t)
		}
		return cfg, nil
	})
}

func (s *Service) setEventInvokeConfig(c *call, before func(eventInvokeTarget) (function.EventInvokeConfig, error)) error {
	body, err := intake.Read(c.w, c.r, 64*1024)
	if err != nil {
		return &function.Refusal{Type: function.InvalidRequestContent, Message: "The request's body did not arrive whole.", Err: err}
	}
	var in eventInvokeConfig
	if err := json.Unmarshal(body, &in); err != nil {
		return &function.Refusal{Type: function.InvalidRequestContent, Message: "Could not parse request body into json: " + err.Error(), Err: err}
	}
	t, err := s.eventInvokeTarget(c)
	if err != nil {
		return err
	}
	cfg, err := before(t)
	if err != nil {
		return err
	}
	if err := s.readEventInvokeConfig(in, t, &cfg); err != nil {
		return err
	}
	cfg.LastModified = time.Now()
	s.eventInvoke.Put(t.name, t.qualifier, cfg)
	writeJSON(c.w, c.requestID, http.StatusOK, encode(describeEventInvoke(cfg, t.arn)))
	return nil
}

// readEventInvokeConfig checks what a request sets, and sets it in cfg.
func (s *Service) readEventInvokeConfig(in eventInvokeConfig, t eventInvokeTarget, cfg *function.EventInvokeConfig) error {
	err := allBroken([]*function.Refusal{
		outside(in.MaximumRetryAttempts, "maximumRetryAttempts", 0, function.MaxRetryAttempts),
		outside(in.MaximumEventAgeInSeconds, "maximumEventAgeInSeconds", int(function.MinEventAge/time.Second), int(function.MaxEventAge/time.Second)),
	})
	if err != nil {
		return err
	}
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return &function.Refusal{Type: function.InvalidParameterValue, Message: "You must specify at least one of error handling or destination setting."}
	}
	if in.MaximumRetryAttempts != nil {
		cfg.MaximumRetryAttempts = in.MaximumRetryAttempts
	}
	if in.MaximumEventAgeInSeconds != nil {
		cfg.MaximumEventAge = time.Duration(*in.MaximumEventAgeInSeconds) * time.Second
	}
	if d := in.DestinationConfig; d != nil {
		if d.OnSuccess != nil {
			if err := s.checkDestination(d.OnSuccess.Destination, t, true); err != nil {
				return err
			}
			cfg.OnSuccess = d.OnSuccess.Destination
		}
		if d.OnFailure != nil {
			if err := s.checkDestination(d.OnFailure.Destination, t, false); err != nil {
				return err
			}
			cfg.OnFailure = d.OnFailure.Destination
		}
	}
	return nil
}

// checkDestination refuses what can't be the destination of a function. Only
// failures go to a bucket.
// Source: AWS Lambda developer guide, invocation-async-retain-records.
func (s *Service) checkDestination(arn string, t eventInvokeTarget, success bool) error {
	if arn == "" {
		return nil // takes the destination away
	}
	kind, _, err := function.ParseTarget(arn)
	if err != nil || (success && kind == function.TargetBucket) {
		return &function.Refusal{Type: function.InvalidParameterValue, Message: fmt.Sprintf("The destination ARN %s is invalid.", arn)}
	}
	if bare := s.registry.ARN(t.name, ""); arn == bare || strings.HasPrefix(arn, bare+":") {
		return &function.Refusal{Type: function.InvalidParameterValue, Message: "You can't specify the function as a destination for itself."}
	}
	return nil
}

// outside is the constraint that a number breaks, nil if none.
func outside(value *int, path string, least, most int) *function.Refusal {
	switch {
	case value == nil:
		return nil
	case *value < least:
		return function.Constraint(strconv.Itoa(*value), path, "Member must have value greater than or equal to "+strconv.Itoa(least))
	case *value > most:
		return function.Constraint(strconv.Itoa(*value), path, "Member must have value less than or equal to "+strconv.Itoa(most))
	}
	return nil
}

// getEventInvokeConfig is the operation GetFunctionEventInvokeConfig.
// Source: AWS Lambda API reference, GetFunctionEventInvokeConfig.
func (s *Service) getEventInvokeConfig(c *call) error {
	t, err := s.eventInvokeTarget(c)
	if err != nil {
		return err
	}
	cfg, ok := s.eventInvoke.Get(t.name, t.qualifier)
	if !ok {
		return noEventInvokeConfig(t)
	}
	writeJSON(c.w, c.requestID, http.StatusOK, encode(describeEventInvoke(cfg, t.arn)))
	return nil
}

// deleteEventInvokeConfig is the operation DeleteFunctionEventInvokeConfig.
// Source: AWS Lambda API reference, DeleteFunctionEventInvokeConfig.
func (s *Service) deleteEventInvokeConfig(c *call) error {
	t, err := s.eventInvokeTarget(c)
	if err != nil {
		return err
	}
	if !s.eventInvoke.Delete(t.name, t.qualifier) {
		return noEventInvokeConfig(t)
	}
	c.w.Header().Set("X-Amzn-Requestid", c.requestID)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// listEventInvokeConfigs is the operation ListFunctionEventInvokeConfigs. A
// function has few: all are on one page.
// Source: AWS Lambda API reference, ListFunctionEventInvokeConfigs.
func (s *Service) listEventInvokeConfigs(c *call) error {
	t, err := s.eventInvokeTarget(c)
	if err != nil {
		return err
	}
	page := struct{ FunctionEventInvokeConfigs []eventInvokeConfig }{[]eventInvokeConfig{}}
	for _, qualifier := range s.eventInvoke.Qualifiers(t.name) {
		if cfg, ok := s.eventInvoke.Get(t.name, qualifier); ok {
			page.FunctionEventInvokeConfigs = append(page.FunctionEventInvokeConfigs, describeEventInvoke(cfg, s.registry.ARN(t.name, qualifier)))
		}
	}
	writeJSON(c.w, c.requestID, http.StatusOK, encode(page))
	return nil
}
