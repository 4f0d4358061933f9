package template

import "strings"

// isolation reads TenancyConfig.
// Source: AWS Lambda API reference, TenancyConfig.
func (m *maker) isolation(o object) bool {
	c, ok := o.object("TenancyConfig", "TenancyConfig")
	if !ok {
		return false
	}
	c.check(map[string]support{"TenantIsolationMode": reads})
	c.require("TenantIsolationMode", "TenantIsolationMode: PER_TENANT")
	_, ok = c.choice("TenantIsolationMode", "PER_TENANT")
	return ok
}

// checkIsolated notes what AWS refuses on a function with tenant isolation.
// Source: AWS Lambda developer guide, tenant-isolation; AWS CDK API reference,
// TenancyConfig.
func (m *maker) checkIsolated(o object) {
	if o.has("FunctionUrlConfig") {
		m.refuse(o.n.get("FunctionUrlConfig"), "a function URL", frontFix)
	}
	if o.has("ProvisionedConcurrencyConfig") {
		m.refuse(o.n.get("ProvisionedConcurrencyConfig"), "provisioned concurrency", "delete ProvisionedConcurrencyConfig")
	}
	if o.has("CapacityProviderConfig") {
		m.refuse(o.n.get("CapacityProviderConfig"), "managed instances, where one environment serves many callers,", "delete CapacityProviderConfig")
	}
	if snap, ok := o.object("SnapStart", "SnapStart"); ok {
		if on, ok := snap.text("ApplyOn"); !ok || on != "None" {
			m.refuse(snap.n, "SnapStart", "delete SnapStart")
		}
	}
}

// frontFix is what to use in place of a function URL.
const frontFix = "put a REST API in front: an event of type Api, or AWS::Serverless::Api"

func (m *maker) refuse(at *node, what, fix string) {
	m.fault(at, "Lambda does not support "+what+" on a function with tenant isolation", fix)
}

// checkIsolatedEvent notes an event source that can't carry a tenant ID.
func (m *maker) checkIsolatedEvent(at *node, typ string) {
	switch typ {
	case "Api":
	case "HttpApi":
		m.fault(at, "an HTTP API can't reach a function with tenant isolation: it can't set the header X-Amz-Tenant-Id", "use a REST API: Type: Api")
	default:
		m.fault(at, "Lambda does not support the event source "+typ+" on a function with tenant isolation", "only Invoke and REST APIs carry a tenant ID")
	}
}

// isolated reports whether a function of the template has tenant isolation. name
// may have a qualifier.
func (m *maker) isolated(name string) bool {
	name, _, _ = strings.Cut(name, ":")
	f := m.template.Function(name)
	return f != nil && f.Version.TenantIsolation
}
