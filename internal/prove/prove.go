// Package prove shows the author of a function what isolation does for it.
//
// [Walls] runs the probes as two tenants in environments that are the function's
// own in everything but the program that runs there. [Replay] sends one set of
// requests to environments of each tenant's own, and again to one environment that
// all tenants share, and tells where an answer depended on another tenant. The
// package starts environments of its own, and serves nothing.
package prove

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/fleet"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/isolation"
	"github.com/berthdev/berth/internal/telemetry"
)

// Config is what a proof is made with.
type Config struct {
	// Function is the one to prove, its code built.
	Function function.Version
	// Isolation is what walls its environments in. It is the caller's, and stays
	// open.
	Isolation *isolation.Isolation
	Network   sandbox.Network

	Region, Account string
	Logger          *slog.Logger // nil discards
}

// credentials are no more than there must be: nothing here is to reach AWS.
var credentials = environment.Credentials{AccessKeyID: "BERTHLOCALACCESSKEY0", SecretAccessKey: "berth-local-secret", SessionToken: "berth-local-session"}

// stage is a fleet with one function, for the time of one run.
type stage struct {
	cfg     Config
	version *function.Version
	fleet   *fleet.Fleet
}

// on runs do with a fleet whose environments d starts, and ends them all.
func on(ctx context.Context, cfg Config, v function.Version, d environment.Driver, do func(*stage) error) error {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &stage{cfg: cfg, version: &v}
	// No spares, and nothing frozen: each environment is the tenant's from its
	// start, and always there to be attacked.
	s.fleet = fleet.New(func(v *function.Version, suppressed bool, changed func(environment.State)) *environment.Environment {
		id := uuid.New()
		e := environment.Config{
			ID: fmt.Sprintf("%x", id[:]), Version: v, Driver: d, Region: cfg.Region, Account: cfg.Account,
			Credentials: credentials, Network: cfg.Network, Suppressed: suppressed, Changed: changed,
			Sink: telemetry.Discard{}, Logger: cfg.Logger,
		}
		if suppressed {
			e.InitTimeout = v.Timeout
		}
		return environment.New(e)
	}, fleet.Config{Spares: -1, FreezeAfter: -1})
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.fleet.Run(ctx) }) // its only error is the end of ctx
	err := do(s)
	cancel()
	wg.Wait()
	return err
}

// invoke sends one event and waits until the invocation is over, so that the next
// one meets the same environment. The answer may be a function error.
func (s *stage) invoke(ctx context.Context, tenant function.TenantID, requestID string, event []byte) (*environment.Answer, error) {
	answer, err := s.fleet.Invoke(ctx, s.version, environment.Invocation{
		RequestID:  requestID,
		InvokedARN: fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", s.cfg.Region, s.cfg.Account, s.version.Name),
		Tenant:     tenant,
		Payload:    event,
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-answer.Done():
		return answer, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// pid is the process of a tenant's environment.
func (s *stage) pid(tenant function.TenantID) (int, error) {
	for _, v := range s.fleet.Views() {
		if v.Tenant == tenant {
			return v.PID, nil
		}
	}
	return 0, errors.New("the environment has ended")
}
