package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/berthdev/berth/internal/backlog"
	"github.com/berthdev/berth/internal/destination"
	"github.com/berthdev/berth/internal/eventsource"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
	"github.com/berthdev/berth/internal/sqs"
	"github.com/berthdev/berth/internal/store"
)

// AsyncConfig is how asynchronous invocations are kept and worked off.
type AsyncConfig struct {
	// State is the folder of what outlives the process; "" means one for each
	// template, in the user's own folder for such things.
	State string
	// RetryDelay is the time before the first retry of an event; the second waits
	// twice as long. 0 means one minute, as on Lambda.
	RetryDelay time.Duration
	// Concurrency is how many events are under way at once; 0 means 64.
	Concurrency int
	// AWSEndpoint is the URL of what answers as AWS for queues, topics, event buses
	// and buckets that are not on this machine, "{service}" in it standing for the
	// service's name; "" means that nothing does.
	AWSEndpoint string
}

// async is what accepts events, and sees to them.
type async struct {
	store   *store.Store
	configs *function.EventInvokeConfigs
	events  *backlog.Backlog
	queues  *sqs.Queues
	outbox  *destination.Outbox
	invoker *invocation.Async
	sources *eventsource.Sources
}

// stateError is state that can't be opened.
type stateError struct {
	err error
	fix string
}

func (e *stateError) Error() string { return e.err.Error() }
func (e *stateError) Unwrap() error { return e.err }

// Hint is what to type instead.
func (e *stateError) Hint() string { return e.fix }

// openAsync opens the state, with all that an earlier process has left in it.
func (p *Platform) openAsync(ctx context.Context) error {
	dir := p.cfg.Async.State
	if dir == "" {
		var err error
		if dir, err = stateFolder(p.template.File); err != nil {
			return &stateError{err, "--state DIR"}
		}
	}
	s, err := store.Open(dir)
	if inUse := (*store.InUseError)(nil); errors.As(err, &inUse) {
		return &stateError{err, "--state DIR (another folder), or end the other process"}
	}
	if err != nil {
		return err
	}
	p.async = &async{store: s, configs: function.NewEventInvokeConfigs()}
	bounds := backlog.Config{InFlight: p.cfg.Async.Concurrency}
	if p.async.events, err = backlog.Open(s, "async", bounds); err != nil {
		return err
	}
	messages, err := backlog.Open(s, "destination", backlog.Config{})
	if err != nil {
		return err
	}
	if p.async.queues, err = sqs.Open(s, Region, Account); err != nil {
		return err
	}
	outbox := destination.Config{Queues: p.async.queues, Logger: p.cfg.Logger}
	if p.cfg.Async.AWSEndpoint != "" {
		outbox.Sender = destination.NewAWS(p.cfg.Async.AWSEndpoint, Region, awsKeys())
	}
	p.async.outbox = destination.NewOutbox(messages, p.async.events, p.functions, outbox)
	p.async.invoker = invocation.NewAsync(p.invoker, p.async.configs, p.async.events, p.async.outbox,
		invocation.AsyncConfig{RetryDelay: p.cfg.Async.RetryDelay, Logger: p.cfg.Logger})
	if err := p.setUp(); err != nil {
		return err
	}
	if n := p.async.events.Len(); n > 0 {
		p.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "asynchronous events of an earlier run are taken up", slog.Int("events", n), slog.String("state", dir))
	}
	return nil
}

// setUp makes what the template has of queues, configurations and event sources.
func (p *Platform) setUp() error {
	for _, q := range p.template.Queues {
		if err := p.async.queues.Put(q); err != nil {
			return err
		}
	}
	for _, f := range p.template.Functions {
		if f.EventInvoke != nil {
			cfg := *f.EventInvoke
			cfg.LastModified = time.Now()
			p.async.configs.Put(f.Version.Name, function.Latest, cfg)
		}
	}
	p.async.sources = eventsource.NewSources(p.async.queues, p.invoker,
		eventsource.Config{Region: Region, Account: Account, Logger: p.cfg.Logger})
	for _, s := range p.template.Sources {
		p.async.sources.Put(s)
	}
	return nil
}

// run sees to events until ctx ends and what is under way has ended. Its error is
// the store's, or nil.
func (a *async) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	parts := []func(context.Context) error{a.invoker.Run, a.outbox.Run, a.sources.Run}
	var wg sync.WaitGroup
	errs := make([]error, len(parts))
	for i, run := range parts {
		wg.Go(func() {
			defer stop() // none is of use without the others
			errs[i] = run(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (a *async) close() error {
	if a == nil {
		return nil
	}
	return a.store.Close()
}

// stateFolder is where the state of a template is, unless the user says.
func stateFolder(template string) (string, error) {
	path, err := filepath.Abs(template)
	if err != nil {
		return "", fmt.Errorf("find the template's folder: %w", err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a folder for the state: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(base, "berth", filepath.Base(filepath.Dir(path))+"-"+hex.EncodeToString(sum[:6])), nil
}

// awsKeys are the access keys in the user's environment, or some that only this
// machine knows.
func awsKeys() aws.Credentials {
	if id := os.Getenv("AWS_ACCESS_KEY_ID"); id != "" {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN")}
	}
	return aws.Credentials{AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey, SessionToken: credentials.SessionToken}
}
