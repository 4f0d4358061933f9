package tenantcreds_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/berthdev/berth/contrib/tenantcreds"
)

const role = "arn:aws:iam::123456789012:role/tenant-data"

// fakeSTS answers after Latency with sessions that last an hour.
type fakeSTS struct {
	latency time.Duration

	mu    sync.Mutex
	calls []*sts.AssumeRoleInput
	fail  error
}

func (f *fakeSTS) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	select {
	case <-time.After(f.latency):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, in)
	if f.fail != nil {
		return nil, f.fail
	}
	return &sts.AssumeRoleOutput{Credentials: &types.Credentials{
		AccessKeyId:     aws.String(fmt.Sprintf("%s#%d", *in.Tags[0].Value, len(f.calls))),
		SecretAccessKey: aws.String("secret"),
		SessionToken:    aws.String("token"),
		Expiration:      aws.Time(time.Now().Add(time.Hour)),
	}}, nil
}

func (f *fakeSTS) setFail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *fakeSTS) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

func key(t *testing.T, ctx context.Context, p aws.CredentialsProvider) string {
	t.Helper()
	c, err := p.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c.AccessKeyID
}

func TestCredentialsAreKeptUntilShortlyBeforeTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		fake := &fakeSTS{latency: time.Millisecond}
		alice := tenantcreds.New(fake, role, tenantcreds.Config{}).For("alice")
		if got := key(t, ctx, alice); got != "alice#1" {
			t.Errorf("first credentials are %s", got)
		}
		time.Sleep(55*time.Minute - 2*time.Millisecond)
		if got := key(t, ctx, alice); got != "alice#1" {
			t.Errorf("before the margin: %s, want the first ones", got)
		}
		time.Sleep(2 * time.Millisecond)
		if got := key(t, ctx, alice); got != "alice#2" {
			t.Errorf("within the margin: %s, want new ones", got)
		}
	})
}

func TestTenantsNeverShareCredentials(t *testing.T) {
	fake := &fakeSTS{}
	tenants := tenantcreds.New(fake, role, tenantcreds.Config{})
	for range 3 {
		for _, tenant := range []string{"alice", "bob", "ALICE", "alice "} {
			if got := key(t, t.Context(), tenants.For(tenant)); !strings.HasPrefix(got, tenant+"#") {
				t.Errorf("tenant %q was given %q", tenant, got)
			}
		}
	}
	if n := fake.count(); n != 4 {
		t.Errorf("%d calls of STS for four tenants, want 4", n)
	}
}

func TestCallersOfOneTenantShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeSTS{latency: time.Second}
		tenants := tenantcreds.New(fake, role, tenantcreds.Config{})
		var wg sync.WaitGroup
		for i := range 20 {
			tenant := [...]string{"alice", "bob"}[i%2]
			wg.Go(func() {
				c, err := tenants.For(tenant).Retrieve(t.Context())
				if err != nil || !strings.HasPrefix(c.AccessKeyID, tenant) {
					t.Errorf("tenant %s was given %q, error %v", tenant, c.AccessKeyID, err)
				}
			})
		}
		start := time.Now()
		wg.Wait()
		if n, took := fake.count(), time.Since(start); n != 2 || took != time.Second {
			t.Errorf("%d calls in %s, want one for each tenant, at the same time", n, took)
		}
	})
}

func TestACallerWhoLeavesDoesNotTakeTheOthersAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeSTS{latency: time.Second}
		alice := tenantcreds.New(fake, role, tenantcreds.Config{}).For("alice")
		leaving, leave := context.WithCancel(t.Context())
		impatient, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()

		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := alice.Retrieve(leaving); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller who left got %v", err)
			}
		})
		synctest.Wait() // the call under way is theirs
		wg.Go(func() {
			if _, err := alice.Retrieve(t.Context()); err != nil {
				t.Errorf("the caller who stayed: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := alice.Retrieve(impatient); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient caller got %v", err)
			}
		})
		time.Sleep(500 * time.Millisecond)
		leave()
		wg.Wait()
	})
}

func TestOldCredentialsOutliveAFailureOfSTS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		fake := &fakeSTS{}
		alice := tenantcreds.New(fake, role, tenantcreds.Config{}).For("alice")
		key(t, ctx, alice)
		outage := errors.New("service unavailable")
		fake.setFail(outage)
		time.Sleep(58 * time.Minute)
		if got := key(t, ctx, alice); got != "alice#1" {
			t.Errorf("during the outage: %s, want the ones that still hold", got)
		}
		time.Sleep(2 * time.Minute)
		if _, err := alice.Retrieve(ctx); !errors.Is(err, outage) {
			t.Errorf("after they have expired: %v, want the reason", err)
		}
		fake.setFail(nil)
		if got := key(t, ctx, alice); got != "alice#4" {
			t.Errorf("after the outage: %s, want new ones", got)
		}
	})
}

func TestNobodyHasNoCredentials(t *testing.T) {
	fake := &fakeSTS{}
	_, err := tenantcreds.New(fake, role, tenantcreds.Config{}).For("").Retrieve(t.Context())
	if !errors.Is(err, tenantcreds.ErrNoTenant) || fake.count() != 0 {
		t.Errorf("error %v after %d calls, want ErrNoTenant and none", err, fake.count())
	}
}

// panicSTS stands for a client whose middleware panics.
type panicSTS struct{ fakeSTS }

func (p *panicSTS) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, o ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	if p.count() == 0 {
		p.fakeSTS.AssumeRole(ctx, in, o...)
		panic("middleware")
	}
	return p.fakeSTS.AssumeRole(ctx, in, o...)
}

func TestAPanicLeavesNobodyWaiting(t *testing.T) {
	alice := tenantcreds.New(&panicSTS{}, role, tenantcreds.Config{}).For("alice")
	func() {
		defer func() { recover() }()
		alice.Retrieve(t.Context())
		t.Error("the panic was swallowed")
	}()
	if got := key(t, t.Context(), alice); got != "alice#2" {
		t.Errorf("after the panic: %s", got)
	}
}
