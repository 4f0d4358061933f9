package tenantcreds

import (
	"crypto/sha256"
	"encoding/hex"
)

// maxName is the longest role session name, in characters.
// Source: AWS STS API reference, AssumeRole, RoleSessionName.
const maxName = 64

// hashBytes is how much of the hash is in a name, written in hexadecimal.
const hashBytes = 6

// sessionName is how a tenant's sessions are called in CloudTrail: the tenant ID
// where its characters are allowed there, which are [\w+=,.@-]. Every other one
// is written as "-", and then, or when it is too short or too long, a part of the
// ID's hash tells tenants apart that would otherwise look the same. An ID that
// ends as if it had such a part gets one too: no tenant can pass for another.
func sessionName(tenant string) string {
	name := []byte(tenant)
	same := len(name) >= 2 && len(name) <= maxName && !hashed(name)
	for i, c := range name {
		if !nameByte(c) {
			name[i] = '-'
			same = false
		}
	}
	if same {
		return tenant
	}
	sum := sha256.Sum256([]byte(tenant))
	suffix := "-" + hex.EncodeToString(sum[:hashBytes])
	return string(name[:min(len(name), maxName-len(suffix))]) + suffix
}

// hashed reports whether a name ends as one with a part of a hash does.
func hashed(name []byte) bool {
	at := len(name) - 2*hashBytes - 1
	if at < 0 || name[at] != '-' {
		return false
	}
	_, err := hex.Decode(make([]byte, hashBytes), name[at+1:])
	return err == nil
}

func nameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '_', '+', '=', ',', '.', '@', '-':
		return true
	}
	return false
}
