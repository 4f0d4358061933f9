// Package tenantcreds gives a function AWS credentials that reach one tenant's
// data and nobody else's.
//
// A function's execution role is the same for all its tenants. [Tenants] assumes
// a second role with the tenant ID as a session tag, so that the role's policy
// can compare the tag with the resource:
//
//	{
//	  "Effect": "Allow",
//	  "Action": "dynamodb:*Item",
//	  "Resource": "arn:aws:dynamodb:*:*:table/orders",
//	  "Condition": {"ForAllValues:StringEquals": {
//	    "dynamodb:LeadingKeys": ["${aws:PrincipalTag/TenantID}"]}}
//	}
//
// The role's trust policy must allow the execution role sts:AssumeRole and
// sts:TagSession. Make one Tenants for the process and hand each call of an AWS
// client the provider of the invocation's tenant:
//
//	out, err := table.GetItem(ctx, in, func(o *dynamodb.Options) {
//		o.Credentials = tenants.For(lambda.TenantID(ctx))
//	})
//
// There is no provider that looks the tenant up in the context of each call, on
// purpose: the AWS SDK puts a cache in front of the provider of an aws.Config,
// and such a cache would hand one tenant's credentials to the next.
package tenantcreds

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// ErrNoTenant is the error of a provider that was asked for without a tenant ID.
// There are no credentials for "nobody": a session without the tag would match
// policies that compare it with an absent one.
var ErrNoTenant = errors.New("no tenant ID: credentials are given per tenant")

// AssumeRoler is the one operation of STS that is called; *sts.Client has it. It
// must be safe for concurrent use.
type AssumeRoler interface {
	AssumeRole(context.Context, *sts.AssumeRoleInput, ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)
}

// Config says how the role is assumed. Its zero value is a good default.
type Config struct {
	Tag      string        // key of the session tag, 1 to 128 characters; "" means TenantID
	Duration time.Duration // of a session, 15 minutes to 12 hours; 0 leaves it to STS: 1 hour, also the most from another role
	Early    time.Duration // credentials are renewed this long before they expire, less than Duration; 0 means 5 minutes
	Policy   string        // session policy, JSON, to narrow the role further; "" for none

	// Transitive keeps the tag when the session assumes a further role.
	Transitive bool

	// Input, when set, may change each call before it is made. It may be called
	// concurrently.
	Input func(tenantID string, in *sts.AssumeRoleInput)
}

// Tenants assumes one role for any number of tenants and keeps each one's
// credentials until shortly before they expire. It is safe for concurrent use.
type Tenants struct {
	sts  AssumeRoler
	role string
	cfg  Config

	mu       sync.Mutex
	sessions map[string]*session // by tenant ID
}

// session is what is known of one tenant. Its fields are guarded by Tenants.mu.
type session struct {
	creds  aws.Credentials
	flight chan struct{} // closed when the call under way has ended; nil without one
}

// New returns a Tenants that assumes the role of the given ARN. It calls nothing.
func New(client AssumeRoler, roleARN string, cfg Config) *Tenants {
	if cfg.Tag == "" {
		cfg.Tag = "TenantID"
	}
	if cfg.Early == 0 {
		cfg.Early = 5 * time.Minute
	}
	return &Tenants{sts: client, role: roleARN, cfg: cfg, sessions: map[string]*session{}}
}

// For returns the provider of one tenant. It is cheap, needs no cache in front
// of it, and fails with [ErrNoTenant] when the tenant ID is empty.
func (t *Tenants) For(tenantID string) aws.CredentialsProvider {
	return provider{t, tenantID}
}

type provider struct {
	tenants *Tenants
	tenant  string
}

// Retrieve returns the tenant's credentials. Callers of the same tenant share
// one call of STS; a caller whose context ends leaves, and the others go on.
func (p provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if p.tenant == "" {
		return aws.Credentials{}, ErrNoTenant
	}
	return p.tenants.retrieve(ctx, p.tenant)
}

func (t *Tenants) retrieve(ctx context.Context, tenant string) (aws.Credentials, error) {
	for {
		t.mu.Lock()
		s := t.sessions[tenant]
		if s == nil {
			t.dropExpired()
			s = &session{}
			t.sessions[tenant] = s
		}
		if s.fresh(t.cfg.Early) {
			defer t.mu.Unlock()
			return s.creds, nil
		}
		flight := s.flight
		if flight == nil {
			s.flight = make(chan struct{})
		}
		t.mu.Unlock()

		if flight == nil {
			return t.renew(ctx, tenant, s)
		}
		select {
		case <-flight: // it has succeeded, or this caller tries itself
		case <-ctx.Done():
			return aws.Credentials{}, fmt.Errorf("credentials of tenant %q: %w", tenant, context.Cause(ctx))
		}
	}
}

// fresh reports whether there are credentials that last longer than the margin.
func (s *session) fresh(early time.Duration) bool {
	return s.creds.HasKeys() && time.Until(s.creds.Expires) > early
}

// renew makes the call that s.flight stands for. When it fails and the old
// credentials have not expired yet, they are still good, and are returned.
func (t *Tenants) renew(ctx context.Context, tenant string, s *session) (aws.Credentials, error) {
	defer func() { // also when a call of the user's panics: others wait
		t.mu.Lock()
		defer t.mu.Unlock()
		close(s.flight)
		s.flight = nil
	}()
	creds, err := t.assume(ctx, tenant)

	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		s.creds = creds
	case s.fresh(0):
	default:
		return aws.Credentials{}, fmt.Errorf("credentials of tenant %q: %w", tenant, err)
	}
	return s.creds, nil
}

func (t *Tenants) assume(ctx context.Context, tenant string) (aws.Credentials, error) {
	in := &sts.AssumeRoleInput{
		RoleArn:         &t.role,
		RoleSessionName: aws.String(sessionName(tenant)),
		Tags:            []types.Tag{{Key: &t.cfg.Tag, Value: &tenant}},
	}
	if t.cfg.Duration > 0 {
		in.DurationSeconds = aws.Int32(int32(t.cfg.Duration / time.Second))
	}
	if t.cfg.Policy != "" {
		in.Policy = &t.cfg.Policy
	}
	if t.cfg.Transitive {
		in.TransitiveTagKeys = []string{t.cfg.Tag}
	}
	if t.cfg.Input != nil {
		t.cfg.Input(tenant, in)
	}
	out, err := t.sts.AssumeRole(ctx, in)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("assume role %s: %w", t.role, err)
	}
	c := out.Credentials
	if c == nil || c.AccessKeyId == nil || c.SecretAccessKey == nil || c.Expiration == nil {
		return aws.Credentials{}, fmt.Errorf("assume role %s: the answer has no credentials", t.role)
	}
	return aws.Credentials{
		AccessKeyID:     *c.AccessKeyId,
		SecretAccessKey: *c.SecretAccessKey,
		SessionToken:    aws.ToString(c.SessionToken),
		Source:          "tenantcreds",
		CanExpire:       true,
		Expires:         *c.Expiration,
	}, nil
}

// dropExpired forgets the tenants whose credentials are of no use any more, so
// that a process which meets many does not grow without end. t.mu is held.
func (t *Tenants) dropExpired() {
	for tenant, s := range t.sessions {
		if s.flight == nil && !s.fresh(0) {
			delete(t.sessions, tenant)
		}
	}
}
