package function

// TenantID is the caller's string that chooses whose execution environments may
// serve an invocation. The zero value means that there is no tenant; any other
// value has been checked by [ParseTenantID].
type TenantID string

// tenantPattern is the rule as Lambda's API states it.
// Source: AWS Lambda API reference, Invoke, TenantId.
const tenantPattern = `[a-zA-Z0-9\._:\/=+\-@ ]+`

// MaxTenantID is the longest tenant ID, in characters.
const MaxTenantID = 256

// ParseTenantID checks a tenant ID that a caller sent: 1 to 256 of
// a-zA-Z0-9._:/=+-@ and space. The error is a *Refusal, ValidationException.
func ParseTenantID(s string) (TenantID, error) {
	switch {
	case s == "":
		return "", Constraint(s, "tenantId", "Member must have length greater than or equal to 1")
	case len(s) > MaxTenantID:
		return "", Constraint(s, "tenantId", "Member must have length less than or equal to 256")
	}
	for i := range len(s) {
		if !tenantByte(s[i]) {
			return "", Constraint(s, "tenantId", "Member must satisfy regular expression pattern: "+tenantPattern)
		}
	}
	return TenantID(s), nil
}

func tenantByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '.', '_', ':', '/', '=', '+', '-', '@', ' ':
		return true
	}
	return false
}
