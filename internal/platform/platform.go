// Package platform puts the parts of Berth together: it reads a template, builds
// its functions, opens the listeners, and runs it all until it is told to stop.
//
// [Open] does what can fail before anything serves; [Platform.Run] serves and
// then takes everything down. The parts know nothing of each other but through
// the values that this package hands them.
package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/fleet"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
	"github.com/berthdev/berth/internal/packaging"
	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/isolation"
	"github.com/berthdev/berth/internal/template"
)

// Config is what a platform runs with. Only Template is needed.
type Config struct {
	Template   string            // a template, or the folder that holds one
	Parameters map[string]string // of the template

	Gateway string // where the first API listens; the next ones take the ports after it. "" means 127.0.0.1:3000
	Service string // where Lambda's API listens; "" means 127.0.0.1:4566

	Isolation string          // the weakest driver to accept; "" means the strongest there is
	Network   sandbox.Network // "" means none

	// Watch builds functions again when their files change, and lets what is built
	// serve in place of what was there before.
	Watch bool

	// Fleet bounds the execution environments. An IdleTimeout of 0 means 10
	// minutes here.
	Fleet fleet.Config

	// Async is for invocations that nobody waits for.
	Async AsyncConfig

	Observer Observer     // nil: nobody looks
	Logger   *slog.Logger // nil discards
}

// Addresses and limits that hold where Config says nothing.
const (
	DefaultGateway     = "127.0.0.1:3000"
	DefaultService     = "127.0.0.1:4566"
	defaultIdleTimeout = 10 * time.Minute

	// Region and Account are what ARNs are made of.
	Region  = "us-east-1"
	Account = "123456789012"
)

// credentials are what functions find in their environment: enough for an SDK to
// sign with, and good for nothing outside of this machine.
var credentials = environment.Credentials{AccessKeyID: "BERTHLOCALACCESSKEY0", SecretAccessKey: "berth-local-secret", SessionToken: "berth-local-session"}

// Platform is Berth on one machine.
type Platform struct {
	cfg       Config
	template  *template.Template
	isolation *isolation.Isolation
	functions *function.Registry
	fleet     *fleet.Fleet
	invoker   *invocation.Invoker
	async     *async
	deployed  map[string]deployed   // by the function's name
	replaced  []*packaging.Artifact // the code of functions that have been replaced, oldest first
	watcher   *watcher              // nil unless Config.Watch
	doors     []*door               // the first is Lambda's own API
}

// Open reads the template, chooses the isolation, opens the listeners and builds
// the functions. It serves nothing yet. Whoever opens a platform runs it, or
// closes it.
func Open(ctx context.Context, cfg Config) (_ *Platform, err error) {
	cfg.Gateway = cmp.Or(cfg.Gateway, DefaultGateway)
	cfg.Service = cmp.Or(cfg.Service, DefaultService)
	cfg.Network = cmp.Or(cfg.Network, sandbox.NetworkNone)
	cfg.Fleet.IdleTimeout = cmp.Or(cfg.Fleet.IdleTimeout, defaultIdleTimeout)
	if cfg.Observer == nil {
		cfg.Observer = blind{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}

	p := &Platform{cfg: cfg, functions: function.NewRegistry(Region, Account), deployed: map[string]deployed{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	p.template, err = p.templates().Load(cfg.Template)
	if err != nil {
		return nil, err
	}
	for _, n := range p.template.Notices {
		cfg.Observer.Noticed(n)
	}
	p.isolation, err = isolation.Open(ctx, isolation.Config{Weakest: cfg.Isolation, Network: cfg.Network})
	if err != nil {
		return nil, err
	}
	if p.isolation.Left != nil {
		cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "a Berth that was killed has left something behind", slog.Any("error", p.isolation.Left))
	}
	p.fleet = fleet.New(p.launch, cfg.Fleet)
	p.invoker = invocation.New(p.functions, p.fleet)
	if err = p.openAsync(ctx); err != nil {
		return nil, err
	}
	if err = p.openDoors(); err != nil {
		return nil, err
	}
	if cfg.Watch { // before the build, so that an edit during it is seen
		if p.watcher, err = p.newWatcher(ctx); err != nil {
			return nil, err
		}
	}
	if err = p.buildAll(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Close gives back what Open took. Run does it by itself.
func (p *Platform) Close() error {
	errs := []error{p.closeDoors(), p.async.close()}
	p.closeArtifacts()
	if p.watcher != nil {
		errs = append(errs, p.watcher.files.Close())
	}
	if p.isolation != nil {
		errs = append(errs, p.isolation.Close())
	}
	return errors.Join(errs...)
}

// templates is how this platform reads templates.
func (p *Platform) templates() template.Config {
	return template.Config{Region: Region, Account: Account, Parameters: p.cfg.Parameters}
}

// launch makes an environment for the fleet.
func (p *Platform) launch(v *function.Version, suppressed bool, changed func(environment.State)) *environment.Environment {
	id := uuid.New()
	cfg := environment.Config{
		ID:          fmt.Sprintf("%x", id[:]),
		Version:     v,
		Driver:      p.isolation.Driver,
		Region:      Region,
		Account:     Account,
		Credentials: credentials,
		Network:     p.cfg.Network,
		Suppressed:  suppressed,
		Changed:     changed,
		Sink:        p.cfg.Observer,
		Logger:      p.cfg.Logger,
	}
	if suppressed {
		cfg.InitTimeout = v.Timeout
	}
	return environment.New(cfg)
}

// farewell is how long invocations that are under way may take to end once Run
// was told to stop.
const farewell = 2 * time.Second

// Run serves until ctx ends; then it lets go of the listeners, waits a moment
// for what is under way, ends every environment, and returns when nothing is
// left.
func (p *Platform) Run(ctx context.Context) error {
	ctx, halt := context.WithCancel(ctx)
	defer halt()
	// The environments outlive ctx by the moment that the listeners need.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.fleet.Run(life) }) // its only error is the end of life

	failed := make(chan error, len(p.doors)+1)
	events := make(chan struct{}) // closed when no event is under way any more
	wg.Go(func() {
		defer close(events)
		if err := p.async.run(ctx); err != nil {
			failed <- err
		}
	})
	for _, d := range p.doors {
		wg.Go(func() {
			if err := d.serve(); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve on %s: %w", d.listener.Addr(), err)
			}
		})
	}
	if p.watcher != nil {
		wg.Go(func() { p.watcher.run(ctx) })
	}
	p.cfg.Observer.Ready(p.Summary())

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		halt()
	}
	patience, stop := context.WithTimeout(life, farewell)
	defer stop()
	var closing sync.WaitGroup
	for _, d := range p.doors {
		closing.Go(func() {
			if d.server.Shutdown(patience) != nil {
				_ = d.server.Close() // what is still under way is answered by nobody
			}
		})
	}
	select {
	case <-events:
	case <-patience.Done(): // what is still under way is begun again by the next process
	}
	closing.Wait()
	end()
	wg.Wait()
	return errors.Join(err, p.Close())
}
