package prove

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/berthdev/berth/internal/environment"
	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/sandbox"
)

// shared is a driver that makes one environment serve every tenant, as a function
// without tenant isolation does, and as AWS's emulator does with any.
//
// An environment of Berth's never serves two tenants, and knows no way to. So this
// one is told of none: whose an invocation is gets into the runtime's event on its
// way, between the environment's Runtime API and the process.
type shared struct {
	driver environment.Driver

	mu      sync.Mutex
	tenants map[string]function.TenantID // by request ID
}

// expect says whose a request is, before it is sent.
func (d *shared) expect(requestID string, tenant function.TenantID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tenants[requestID] = tenant
}

// Start starts the process with a proxy in front of its Runtime API.
func (d *shared) Start(ctx context.Context, spec sandbox.Spec) (*sandbox.Process, error) {
	p, err := d.driver.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	inner := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	proxy := &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: r.In.Host}) },
		Transport:      &http.Transport{DialContext: inner.dial, DisableCompression: true, DisableKeepAlives: true},
		ModifyResponse: d.name,
		FlushInterval:  -1,
		ErrorLog:       log.New(io.Discard, "", 0), // a process that ends leaves calls behind
	}}
	hold := &hold{Handle: p.Handle, proxy: proxy}
	outer := p.RuntimeAPI
	hold.serving.Go(func() { _ = proxy.Serve(outer) }) // until Release
	return &sandbox.Process{PID: p.PID, RuntimeAPI: inner, Output: p.Output, Handle: hold}, nil
}

// name puts the tenant into an event.
func (d *shared) name(r *http.Response) error {
	if !strings.HasSuffix(r.Request.URL.Path, "/invocation/next") {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if tenant := d.tenants[r.Header.Get("Lambda-Runtime-Aws-Request-Id")]; tenant != "" {
		r.Header.Set("Lambda-Runtime-Aws-Tenant-Id", string(tenant))
	}
	return nil
}

// hold ends the proxy with the process.
type hold struct {
	sandbox.Handle
	proxy   *http.Server
	serving sync.WaitGroup
}

func (h *hold) Release() error {
	err := errors.Join(h.Handle.Release(), h.proxy.Close())
	h.serving.Wait()
	return err
}

// pipes is a listener whose connections stay within this process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "shared", Net: "pipe"} }
