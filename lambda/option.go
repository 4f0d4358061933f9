package lambda

import (
	"context"
	"log/slog"
	"time"

	"github.com/berthdev/berth/lambda/internal/host"
)

// Option changes what [Start] and [Run] do. To make one does nothing yet.
type Option func(*settings)

type settings struct {
	codec         Codec
	margin        time.Duration
	hooks         []hook
	requireTenant bool
	logger        *slog.Logger
	host          host.Host
	signals       bool // set by Start: the process is ours
}

func newSettings(opts []Option) *settings {
	s := &settings{codec: defaultCodec(), host: host.Process()}
	for _, o := range opts {
		o(s)
	}
	return s
}

// OnInit has open called before the first invocation. When it fails, Lambda is
// told why (init/error) and the process exits 1.
//
// Lambda gives an on-demand function 10 s for its init.
func OnInit(open func(context.Context) error) Option {
	return func(s *settings) { s.hooks = append(s.hooks, hook{open: open}) }
}

// OnShutdown has close called before the environment is taken down. It makes the
// process an internal extension without events, for without one Lambda sends no
// SIGTERM, and with one gives it 500 ms: the context of close ends by then. Its
// invocations' contexts end first.
//
// It is not called after a panic, nor when the environment is killed, so nothing
// may depend on it.
// Source: AWS Lambda developer guide, lambda-runtime-environment.
func OnShutdown(close func(context.Context) error) Option {
	return func(s *settings) { s.hooks = append(s.hooks, hook{close: close}) }
}

// Service is something that a function holds open from its first invocation to
// its last, such as a pool of database connections.
type Service interface {
	Open(context.Context) error
	Close(context.Context) error
}

// Services has each service opened as by [OnInit] and closed as by [OnShutdown]:
// opened in the order given, closed in the opposite one. When one can't be
// opened, those before it are closed.
func Services(services ...Service) Option {
	return func(s *settings) {
		for _, sv := range services {
			s.hooks = append(s.hooks, hook{sv.Open, sv.Close})
		}
	}
}

// RequireTenant makes sure that this process works for one tenant only. An
// invocation without a tenant ID is refused with a [*TenantError]; after the
// first tenant an invocation for any other is refused so too, and the process
// exits 1. A function that was deployed without tenant isolation by mistake then
// fails loudly, instead of leaking.
func RequireTenant() Option {
	return func(s *settings) { s.requireTenant = true }
}

// WithDeadlineMargin ends a handler's context so much before the invocation's
// deadline, to leave it the time to answer. Without it the context ends with the
// deadline, when Lambda has given up already.
func WithDeadlineMargin(d time.Duration) Option {
	return func(s *settings) { s.margin = max(0, d) }
}

// WithCodec uses c in place of encoding/json for events and responses.
func WithCodec(c Codec) Option {
	return func(s *settings) {
		d := defaultCodec()
		if c.Unmarshal != nil {
			d.Unmarshal = c.Unmarshal
		}
		if c.Marshal != nil {
			d.Marshal = c.Marshal
		}
		s.codec = d
	}
}

// WithLogger has failed invocations, and whatever else the library has to say,
// logged there. Without it they go to slog's default logger.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) { s.logger = l }
}

// WithHost runs the function in a host that is not the process's own. It is for
// package lambdatest: no one else can make a host.
func WithHost(h host.Host) Option {
	return func(s *settings) { s.host = h }
}
