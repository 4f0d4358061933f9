package platform

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/berthdev/berth/internal/gateway"
	"github.com/berthdev/berth/internal/loopback"
	"github.com/berthdev/berth/internal/service"
	"github.com/berthdev/berth/internal/sqs"
)

// door is one listener and what answers there.
type door struct {
	listener net.Listener
	server   *http.Server
	routes   []Route // without a base URL; none for Lambda's own API
}

// base is the URL that every request of a door begins with.
func (d *door) base() string { return "http://" + d.listener.Addr().String() }

// serve answers until the server is shut down.
func (d *door) serve() error {
	if d.routes == nil {
		return d.server.Serve(d.listener)
	}
	return d.server.Serve(gateway.KeepSpelling(d.server, d.listener))
}

// openDoors listens on every address, before anything takes long: Lambda's API
// first, and then the template's APIs, on one port after the other.
func (p *Platform) openDoors() error {
	if err := p.open(p.cfg.Service, "--service", p.lambda(), nil); err != nil {
		return err
	}
	cfg := gateway.Config{Region: Region, Account: Account, Logger: p.cfg.Logger}
	n := 0
	next := func(handler http.Handler, routes []Route) error {
		address, err := nextPort(p.cfg.Gateway, n)
		if err != nil {
			return err
		}
		n++
		return p.open(address, "--gateway", handler, routes)
	}
	for _, a := range p.template.REST {
		if err := next(gateway.NewREST(*a, p.invoker, cfg), restRoutes(a)); err != nil {
			return err
		}
	}
	for _, a := range p.template.HTTP {
		if err := next(gateway.NewHTTP(*a, p.invoker, cfg), httpRoutes(a)); err != nil {
			return err
		}
	}
	for _, u := range p.template.URLs {
		if err := next(gateway.NewFunctionURL(*u, p.invoker, cfg), urlRoutes(u)); err != nil {
			return err
		}
	}
	return nil
}

// lambda is Lambda's own API, and beside it that of the queues, and what Berth
// tells about itself.
func (p *Platform) lambda() http.Handler {
	lambda := service.New(p.invoker, p.functions, service.Config{
		Async: p.async.invoker, EventInvoke: p.async.configs, Sources: p.async.sources, Queues: p.async.queues, Logger: p.cfg.Logger,
	})
	queues := sqs.NewServer(p.async.queues, Account, sqs.Config{Logger: p.cfg.Logger})
	// No ServeMux: it would clean the paths that hold ARNs.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == StatusPath:
			p.serveStatus(w, r)
		case sqs.Serves(r):
			queues.ServeHTTP(w, r)
		default:
			lambda.ServeHTTP(w, r)
		}
	})
}

func (p *Platform) open(address, flag string, handler http.Handler, routes []Route) error {
	listener, err := listen(address, flag)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: loopback.Guard(handler),
		// A client that sends its headers byte by byte holds a connection no
		// longer than this; one that stalls in a body, no longer than package
		// intake lets it.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 20, // Lambda's own limit for request line and headers
		ErrorLog:          slog.NewLogLogger(p.cfg.Logger.Handler(), slog.LevelDebug),
	}
	p.doors = append(p.doors, &door{listener: listener, routes: routes, server: server})
	return nil
}

// closeDoors lets go of the listeners.
func (p *Platform) closeDoors() error {
	var errs []error
	for _, d := range p.doors {
		if err := d.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
