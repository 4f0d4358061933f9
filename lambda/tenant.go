package lambda

import "sync"

// TenantError refuses an invocation that [RequireTenant] does not allow.
type TenantError struct {
	// TenantID is that of the invocation: "" when it has none, else another than
	// this environment has served before.
	TenantID string
}

// Error tells a caller nothing of the other tenant.
func (e *TenantError) Error() string {
	if e.TenantID == "" {
		return "the invocation has no tenant ID: deploy the function with tenant isolation mode PER_TENANT"
	}
	return "the execution environment has served another tenant: deploy the function with tenant isolation mode PER_TENANT"
}

// binding is the tenant of this process. It is set once.
type binding struct {
	mu     sync.Mutex
	tenant string
}

// admit binds the process to its first tenant and refuses all others.
func (b *binding) admit(tenant string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case tenant == "":
		return &TenantError{}
	case b.tenant == "":
		b.tenant = tenant
	case b.tenant != tenant:
		return &TenantError{TenantID: tenant}
	}
	return nil
}
