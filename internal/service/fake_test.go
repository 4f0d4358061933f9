package service

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/berthdev/berth/internal/function"
	"github.com/berthdev/berth/internal/invocation"
)

// fakeInvoker answers from its fields and remembers what it was asked.
type fakeInvoker struct {
	response *invocation.Response // nil echoes the payload
	err      error                // of Invoke and Check

	mu      sync.Mutex
	invoked []invocation.Request
	checked []invocation.Request
}

func (f *fakeInvoker) Invoke(_ context.Context, r invocation.Request) (*invocation.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.invoked = append(f.invoked, r)
	if f.err != nil {
		return nil, f.err
	}
	if f.response != nil {
		return f.response, nil
	}
	return &invocation.Response{RequestID: r.ID, ExecutedVersion: function.Latest, Payload: r.Payload}, nil
}

func (f *fakeInvoker) Check(_ context.Context, r invocation.Request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checked = append(f.checked, r)
	return f.err
}

// registry has two functions: counter, with tenant isolation, and plain.
func registry() *function.Registry {
	r := function.NewRegistry("us-east-1", "123456789012")
	r.Put(&function.Version{
		Name: "counter", Number: function.Latest, Runtime: "provided.al2023", Handler: "bootstrap",
		MemoryMB: 128, EphemeralStorageMB: 512, Timeout: 3 * time.Second, TenantIsolation: true,
		Environment: map[string]string{"TABLE": "a<b"},
		Logging:     function.Logging{Format: "JSON", ApplicationLevel: "DEBUG"},
	})
	r.Put(&function.Version{
		Name: "plain", Number: function.Latest, MemoryMB: 256, EphemeralStorageMB: 512, Timeout: 900 * time.Second,
	})
	return r
}

// serve starts the API on a real socket, for clients that need one.
func serve(t *testing.T, invoker Invoker) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(New(invoker, registry(), Config{}))
	t.Cleanup(server.Close)
	return server
}
