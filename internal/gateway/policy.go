package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// policy is what an authorizer's policyDocument says.
type policy []statement

// statement is one sentence of a policy.
type statement struct {
	deny        bool
	actions     []string
	resources   []string
	conditional bool // it has conditions, which can't be judged here
}

// decision is what a policy says of one request.
type decision int

const (
	notAllowed decision = iota // nothing allows it
	allowed
	denied // something forbids it
)

// decide evaluates a policy for one method ARN. Deny beats Allow. A condition is
// never held to be met where it allows, and always where it denies.
// Source: IAM user guide, reference_policies_evaluation-logic; Amazon API Gateway
// developer guide, api-gateway-lambda-authorizer-output.
func (p policy) decide(arn string) decision {
	result := notAllowed
	for _, s := range p {
		if !s.covers(arn) {
			continue
		}
		if s.deny {
			return denied
		}
		if !s.conditional {
			result = allowed
		}
	}
	return result
}

func (s statement) covers(arn string) bool {
	return matchesAny(s.actions, "execute-api:invoke", strings.ToLower) && matchesAny(s.resources, arn, func(s string) string { return s })
}

func matchesAny(patterns []string, text string, fold func(string) string) bool {
	for _, pattern := range patterns {
		if matchWildcard(fold(pattern), text) {
			return true
		}
	}
	return false
}

// matchWildcard compares text with a pattern in which * stands for any run of
// characters, slashes included, and ? for any one.
func matchWildcard(pattern, text string) bool {
	var p, t int
	star, mark := -1, 0 // the last star, and where its run ends so far
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// parsePolicy reads a policyDocument. One that says something unknown is refused:
// half of a policy may allow what the whole forbids.
func parsePolicy(raw json.RawMessage) (policy, error) {
	var document struct {
		Statement json.RawMessage
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("policyDocument: %w", err)
	}
	var statements []json.RawMessage
	if isObject(document.Statement) {
		statements = []json.RawMessage{document.Statement}
	} else if err := json.Unmarshal(document.Statement, &statements); err != nil {
		return nil, errors.New("policyDocument: Statement is neither an object nor a list")
	}
	p := make(policy, len(statements))
	for i, raw := range statements {
		var err error
		if p[i], err = parseStatement(raw); err != nil {
			return nil, fmt.Errorf("policyDocument: statement %d: %w", i+1, err)
		}
	}
	return p, nil
}

func parseStatement(raw json.RawMessage) (statement, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return statement{}, err
	}
	var s statement
	var errs []error
	for key, raw := range fields {
		var err error
		switch key {
		case "Effect":
			var effect string
			err = json.Unmarshal(raw, &effect)
			if err == nil && effect != "Allow" && effect != "Deny" {
				err = errors.New("it is neither Allow nor Deny")
			}
			s.deny = effect == "Deny"
		case "Action":
			s.actions, err = oneOrMore(raw)
		case "Resource":
			s.resources, err = oneOrMore(raw)
		case "Condition":
			s.conditional = len(raw) > 0 && string(raw) != "null" && string(raw) != "{}"
		case "Sid":
		default:
			err = errors.New("the key is not supported")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	if fields["Effect"] == nil {
		errs = append(errs, errors.New("there is no Effect"))
	}
	return s, errors.Join(errs...)
}

// oneOrMore reads a string, or a list of them.
func oneOrMore(raw json.RawMessage) ([]string, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var more []string
	err := json.Unmarshal(raw, &more)
	return more, err
}
