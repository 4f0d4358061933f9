package function

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Registry holds the functions that can be invoked and resolves the names that
// callers use for them. It is safe for concurrent use.
type Registry struct {
	region, account string

	mu        sync.RWMutex
	functions map[string]*Version // by name; $LATEST
}

// NewRegistry returns an empty registry of one account in one region.
func NewRegistry(region, account string) *Registry {
	return &Registry{region: region, account: account, functions: map[string]*Version{}}
}

// Region and Account are the ones that ARNs are made of.
func (r *Registry) Region() string  { return r.region }
func (r *Registry) Account() string { return r.account }

// Put registers v as the $LATEST of its function, in place of an earlier one.
func (r *Registry) Put(v *Version) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.functions[v.Name] = v
}

// All returns the $LATEST of every function, sorted by name.
func (r *Registry) All() []*Version {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*Version, 0, len(r.functions))
	for _, v := range r.functions {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *Version) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ARN is the name of a function, with a qualifier if there is one.
func (r *Registry) ARN(name, qualifier string) string {
	arn := "arn:aws:lambda:" + r.region + ":" + r.account + ":function:" + name
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// Resolved is what a name means at this moment.
type Resolved struct {
	Version    *Version
	InvokedARN string // as addressed: it ends in a qualifier only if the caller gave one
}

// namePattern and qualifierPattern are the rules as Lambda's API states them.
// Source: AWS Lambda API reference, Invoke, FunctionName and Qualifier.
const (
	namePattern      = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`
	qualifierPattern = `\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`
)

var (
	nameRE      = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:([a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$`)
	qualifierRE = regexp.MustCompile(`^(?:\$(?:LATEST(?:\.PUBLISHED)?)|[a-zA-Z0-9-_$]+)$`)
)

// Resolve finds the version that a caller means. name is the function's name, a
// partial ARN or a full one, each with or without a qualifier; qualifier is ""
// when the caller gave none beside the name. Errors are *Refusal.
// Source: AWS Lambda API reference, Invoke.
func (r *Registry) Resolve(name, qualifier string) (Resolved, error) {
	m := nameRE.FindStringSubmatch(name)
	if m == nil || len(name) > 256 {
		return Resolved{}, Constraint(name, "functionName", "Member must satisfy regular expression pattern: "+namePattern)
	}
	region, account, bare, derived := m[1], m[2], m[3], m[4]
	if len(bare) > 64 {
		refusal := Constraint(bare, "functionName", "Member must have length less than or equal to 64")
		refusal.Type = InvalidParameterValue
		return Resolved{}, refusal
	}
	if qualifier != "" {
		if len(qualifier) > 128 {
			return Resolved{}, Constraint(qualifier, "qualifier", "Member must have length less than or equal to 128")
		}
		if !qualifierRE.MatchString(qualifier) {
			return Resolved{}, Constraint(qualifier, "qualifier", "Member must satisfy regular expression pattern: "+qualifierPattern)
		}
		if derived != "" && derived != qualifier {
			return Resolved{}, &Refusal{Type: InvalidParameterValue,
				Message: "The derived qualifier from the function name does not match the specified qualifier."}
		}
		derived = qualifier
	}
	if region != "" && region != r.region {
		return Resolved{}, &Refusal{Type: ResourceNotFound,
			Message: fmt.Sprintf("Functions from '%s' are not reachable in this region ('%s')", region, r.region)}
	}

	r.mu.RLock()
	v := r.functions[bare]
	r.mu.RUnlock()
	arn := r.ARN(bare, derived)
	if v == nil || (account != "" && account != r.account) || (derived != "" && derived != v.Number) {
		return Resolved{}, &Refusal{Type: ResourceNotFound, Message: "Function not found: " + arn}
	}
	return Resolved{Version: v, InvokedARN: arn}, nil
}
