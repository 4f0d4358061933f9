package template

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
	refuse := func(at *node, what, fix string) {
		m.fault(at, "Lambda does not support "+what+" on a function with tenant isolation", fix)
	}
	const front = "put a REST API in front: an event of type Api, or AWS::Serverless::Api"
	if o.has("FunctionUrlConfig") {
		refuse(o.n.get("FunctionUrlConfig"), "a function URL", front)
	}
	if o.has("ProvisionedConcurrencyConfig") {
		refuse(o.n.get("ProvisionedConcurrencyConfig"), "provisioned concurrency", "delete ProvisionedConcurrencyConfig")
	}
	if o.has("CapacityProviderConfig") {
		refuse(o.n.get("CapacityProviderConfig"), "managed instances, where one environment serves many callers,", "delete CapacityProviderConfig")
	}
	if snap, ok := o.object("SnapStart", "SnapStart"); ok {
		if on, ok := snap.text("ApplyOn"); !ok || on != "None" {
			refuse(snap.n, "SnapStart", "delete SnapStart")
		}
	}
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
