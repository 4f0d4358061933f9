package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/berthdev/berth/internal/api"
	"github.com/berthdev/berth/internal/invocation"
)

// Why an authorizer kept a request out. Each kind of door has its own words for
// them.
var (
	errNoIdentity   = errors.New("the request lacks the authorizer's identity source")
	errUnauthorized = errors.New("the authorizer says Unauthorized")
	errDenied       = errors.New("the authorizer's policy denies the request")
	errNotAllowed   = errors.New("the authorizer's policy does not allow the request")
)

// grant is what an authorizer answered. It holds for every request with the same
// identity until it expires, so that it is the policy that is kept and not what it
// says of one request.
type grant struct {
	principalID string
	policy      policy
	simple      bool // an answer of yes or no, without a policy
	authorized  bool // the answer of a simple one
	context     map[string]any
}

// authorizers calls the authorizers of one API and remembers their answers. It is
// safe for concurrent use.
type authorizers struct {
	door *door

	mu      sync.Mutex
	grants  map[string]remembered // by authorizer and identity
	tokenRE map[string]*regexp.Regexp
}

type remembered struct {
	grant *grant
	until time.Time
}

// maxGrants bounds the memory of an API's authorizers: past it, what has expired
// is forgotten, and if that is not enough, everything.
const maxGrants = 10000

func newAuthorizers(d *door) *authorizers {
	return &authorizers{door: d, grants: map[string]remembered{}, tokenRE: map[string]*regexp.Regexp{}}
}

// attempt is one request that asks for admission.
type attempt struct {
	identity []string // the values of the authorizer's identity sources
	arns     []string // the names of the method or route: see [door.methodARNs]
	event    func() any
	timeout  time.Duration
	parse    func(payload []byte) (*grant, error)
}

// admit asks the authorizer about a request. The errors are those above, or
// whatever kept the authorizer from answering.
func (as *authorizers) admit(ctx context.Context, a *api.Authorizer, at attempt) (*grant, error) {
	key := fmt.Sprintf("%s %q", a.Name, at.identity)
	g := as.remembered(key)
	if g == nil {
		var err error
		if g, err = as.ask(ctx, a, at); err != nil {
			return nil, err
		}
		if a.TTL > 0 && len(at.identity) > 0 {
			as.remember(key, g, a.TTL)
		}
	}
	return g, g.judge(at.arns)
}

// judge holds a request against a grant. Any of its names can be denied, and each
// of the first two has to be allowed.
func (g *grant) judge(arns []string) error {
	if g.simple {
		if !g.authorized {
			return errDenied
		}
		return nil
	}
	var err error
	for i, arn := range arns {
		switch g.policy.decide(arn) {
		case denied:
			return errDenied
		case notAllowed:
			if i < 2 {
				err = errNotAllowed
			}
		}
	}
	return err
}

// ask invokes the authorizer's function.
func (as *authorizers) ask(ctx context.Context, a *api.Authorizer, at attempt) (*grant, error) {
	response, err := as.door.call(ctx, at.timeout, invocation.Request{Function: a.Function, Payload: encode(at.event())})
	if err != nil {
		return nil, fmt.Errorf("authorizer %s: %w", a.Name, err)
	}
	if response.FunctionError != "" {
		var failure struct{ ErrorMessage string }
		if json.Unmarshal(response.Payload, &failure) == nil && failure.ErrorMessage == "Unauthorized" {
			return nil, errUnauthorized
		}
		return nil, fmt.Errorf("authorizer %s: the function failed: %s", a.Name, response.FunctionError)
	}
	g, err := at.parse(response.Payload)
	if err != nil {
		return nil, fmt.Errorf("authorizer %s: malformed answer: %w", a.Name, err)
	}
	return g, nil
}

func (as *authorizers) remembered(key string) *grant {
	as.mu.Lock()
	defer as.mu.Unlock()
	if r, ok := as.grants[key]; ok && as.door.source.now().Before(r.until) {
		return r.grant
	}
	return nil
}

func (as *authorizers) remember(key string, g *grant, ttl time.Duration) {
	as.mu.Lock()
	defer as.mu.Unlock()
	now := as.door.source.now()
	if len(as.grants) >= maxGrants {
		for k, r := range as.grants {
			if !now.Before(r.until) {
				delete(as.grants, k)
			}
		}
		if len(as.grants) >= maxGrants {
			clear(as.grants)
		}
	}
	as.grants[key] = remembered{g, now.Add(ttl)}
}

// tokenMatches compares a token with an authorizer's pattern, all of it. A pattern
// that is no regular expression matches nothing.
func (as *authorizers) tokenMatches(pattern, token string) bool {
	if pattern == "" {
		return true
	}
	as.mu.Lock()
	re, ok := as.tokenRE[pattern]
	if !ok {
		re, _ = regexp.Compile(`^(?:` + pattern + `)$`) // nil if it is none
		as.tokenRE[pattern] = re
	}
	as.mu.Unlock()
	return re != nil && re.MatchString(token)
}

// identity gives the values of an authorizer's identity sources; errNoIdentity if
// one is missing or empty.
// Source: Amazon API Gateway developer guide, configure-api-gateway-lambda-authorization.
func identity(a *api.Authorizer, in *incoming, params, variables map[string]string, lookup func(string) (string, bool)) ([]string, error) {
	var all []string
	for _, from := range a.Identity {
		found, ok := resolve(from, in, params, variables, lookup)
		value := strings.Join(found, ",")
		if !ok || value == "" {
			return nil, errNoIdentity
		}
		all = append(all, value)
	}
	return all, nil
}

// methodARNs are the names of a method, or of a route, in policies: with the path
// as the client escaped it, which is also the one that the authorizer is told,
// with the path decoded, and with the decoded path without slashes at its end.
//
// Whoever writes a policy thinks of paths as they are meant, and whoever calls may
// escape any character of them, or add a slash where the route doesn't mind.
func (d *door) methodARNs(stage, method, path string) []string {
	prefix := "arn:aws:execute-api:" + d.cfg.Region + ":" + d.cfg.Account + ":" + d.apiID + "/" + stage + "/" + method + "/"
	decoded := fullyDecoded(path)
	return []string{
		prefix + strings.TrimPrefix(path, "/"),
		prefix + strings.TrimPrefix(decoded, "/"),
		prefix + strings.TrimRight(strings.TrimPrefix(decoded, "/"), "/"),
	}
}

// fullyDecoded resolves escapes until there are none left that can be, but no more
// often than anybody behind the gateway would.
func fullyDecoded(path string) string {
	for range 3 {
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			break
		}
		path = decoded
	}
	return path
}

// parsePolicyAnswer reads the answer of an authorizer that gives a policy.
// Source: Amazon API Gateway developer guide, api-gateway-lambda-authorizer-output.
func parsePolicyAnswer(payload []byte) (*grant, error) {
	var fields struct {
		PrincipalID    json.RawMessage `json:"principalId"`
		PolicyDocument json.RawMessage `json:"policyDocument"`
		Context        json.RawMessage `json:"context"`
	}
	if err := json.Unmarshal(payload, &fields); err != nil {
		return nil, err
	}
	if notNull(fields.PolicyDocument) == nil {
		return nil, errors.New("there is no policyDocument")
	}
	g := &grant{}
	var err error
	if g.policy, err = parsePolicy(fields.PolicyDocument); err != nil {
		return nil, err
	}
	if notNull(fields.PrincipalID) != nil {
		if g.principalID, err = scalar(fields.PrincipalID); err != nil {
			return nil, fmt.Errorf("principalId: %w", err)
		}
	}
	g.context, err = parseContext(fields.Context)
	return g, err
}

// parseSimpleAnswer reads the answer of an HTTP API's authorizer that says yes or
// no.
// Source: Amazon API Gateway developer guide, http-api-lambda-authorizer.
func parseSimpleAnswer(payload []byte) (*grant, error) {
	var fields struct {
		IsAuthorized *bool           `json:"isAuthorized"`
		Context      json.RawMessage `json:"context"`
	}
	if err := json.Unmarshal(payload, &fields); err != nil {
		return nil, err
	}
	if fields.IsAuthorized == nil {
		return nil, errors.New("there is no isAuthorized")
	}
	g := &grant{simple: true, authorized: *fields.IsAuthorized}
	var err error
	g.context, err = parseContext(fields.Context)
	return g, err
}

// parseContext reads what an authorizer tells the function. Numbers stay as they
// were written.
func parseContext(raw json.RawMessage) (map[string]any, error) {
	if notNull(raw) == nil {
		return nil, nil
	}
	var context map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&context); err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	return context, nil
}

// stringContext is a context as REST APIs have it: strings only, and neither lists
// nor objects.
func stringContext(context map[string]any) (map[string]string, error) {
	all := make(map[string]string, len(context))
	for key, value := range context {
		switch value := value.(type) {
		case string, bool, json.Number:
			all[key] = fmt.Sprint(value)
		case nil:
		default:
			return nil, fmt.Errorf("context: %s is not a string, a number or a boolean", key)
		}
	}
	return all, nil
}
