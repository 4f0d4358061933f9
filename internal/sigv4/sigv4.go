// Package sigv4 verifies AWS Signature Version 4 on HTTP requests.
//
// A [Verifier] says who signed a request, in its headers or in its query, or
// refuses it in AWS's words. It knows nothing of functions, permissions or where
// keys come from.
//
// Source: IAM user guide, reference_sigv-create-signed-request and
// reference_sigv-troubleshooting.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Key is what an access key ID stands for.
type Key struct {
	Secret string
	Token  string    // temporary credentials' session token; empty for a key that stays
	Expiry time.Time // of the token; zero means that it stays
}

// Keys finds an access key. It may be called concurrently.
type Keys func(accessKeyID string) (Key, bool)

// Config is what a Verifier can do without.
type Config struct {
	Now  func() time.Time // nil means time.Now
	Skew time.Duration    // how far clocks may differ, either way; 0 means 5 minutes, Lambda's own
}

// Verifier verifies the requests to one service in one region. It is safe for
// concurrent use.
type Verifier struct {
	region, service string
	keys            Keys
	now             func() time.Time
	skew            time.Duration
}

// New returns a verifier of requests that are signed for this region and service:
// Lambda's API and function URLs sign as "lambda", API Gateway as "execute-api".
func New(region, service string, keys Keys, cfg Config) *Verifier {
	v := &Verifier{region: region, service: service, keys: keys, now: cfg.Now, skew: cfg.Skew}
	if v.now == nil {
		v.now = time.Now
	}
	if v.skew == 0 {
		v.skew = 5 * time.Minute
	}
	return v
}

// Identity is who signed a request.
type Identity struct {
	AccessKeyID string
	Presigned   bool
}

// Error is a refusal. Its status is always 403.
type Error struct {
	Type    string // AWS's exception, "InvalidSignatureException"
	Message string // AWS's own words
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// MissingToken is the exception for a request that nobody signed.
const MissingToken = "MissingAuthenticationTokenException"

// The other exceptions, and the messages that never differ.
const (
	incomplete     = "IncompleteSignatureException"
	invalid        = "InvalidSignatureException"
	unrecognized   = "UnrecognizedClientException"
	expiredToken   = "ExpiredTokenException"
	mismatch       = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	invalidToken   = "The security token included in the request is invalid."
	tokenIsExpired = "The security token included in the request is expired"
)

// Verify checks the signature of r, whose body has been read: the signature covers
// the body's hash. The error is an *Error.
//
// Every x-amz-* header that is there must be signed, the tenant's among them, and
// so must Host. A path is compared without dot segments and double slashes.
func (v *Verifier) Verify(r *http.Request, body []byte) (*Identity, error) {
	s, err := parseSignature(r)
	if err != nil {
		return nil, err
	}
	key, ok := v.keys(s.accessKeyID)
	if !ok || subtle.ConstantTimeCompare([]byte(s.token), []byte(key.Token)) != 1 {
		return nil, &Error{unrecognized, invalidToken}
	}
	now := v.now()
	if !key.Expiry.IsZero() && !now.Before(key.Expiry) {
		return nil, &Error{expiredToken, tokenIsExpired}
	}
	if err := v.checkScope(s); err != nil {
		return nil, err
	}
	if err := v.checkTime(s, now); err != nil {
		return nil, err
	}
	if err := checkSigned(r, s); err != nil {
		return nil, err
	}
	want := s.sign(key.Secret, canonicalRequest(r, r.URL.EscapedPath(), s, body))
	if !hmac.Equal([]byte(want), []byte(s.signature)) {
		return nil, &Error{invalid, mismatch}
	}
	return &Identity{AccessKeyID: s.accessKeyID, Presigned: s.presigned}, nil
}

// checkScope holds the credential's scope against the service's own.
func (v *Verifier) checkScope(s *signature) error {
	var faults strings.Builder
	if s.region != v.region {
		fmt.Fprintf(&faults, "Credential should be scoped to a valid region, not '%s'. ", s.region)
	}
	if s.service != v.service {
		fmt.Fprintf(&faults, "Credential should be scoped to correct service: '%s'. ", v.service)
	}
	if s.terminator != terminator {
		fmt.Fprintf(&faults, "Credential should be scoped with a valid terminator: '%s', not '%s'. ", terminator, s.terminator)
	}
	if day := s.at.Format(dayLayout); s.day != day {
		fmt.Fprintf(&faults, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			s.day, day, s.at.Format(timeLayout))
	}
	if faults.Len() > 0 {
		return &Error{invalid, faults.String()}
	}
	return nil
}

// checkTime refuses what was signed too long ago, or will be.
func (v *Verifier) checkTime(s *signature, now time.Time) error {
	now = now.UTC().Truncate(time.Second)
	minutes := fmt.Sprintf("%s - %d min.", now.Format(timeLayout), int(v.skew.Minutes()))
	oldest := now.Add(-v.skew)
	last := s.at
	if s.presigned {
		last = s.at.Add(s.expires)
		oldest, minutes = now, now.Format(timeLayout)
	}
	if last.Before(oldest) {
		return &Error{invalid, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s)",
			last.Format(timeLayout), oldest.Format(timeLayout), minutes)}
	}
	if latest := now.Add(v.skew); s.at.After(latest) {
		return &Error{invalid, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			s.at.Format(timeLayout), latest.Format(timeLayout), now.Format(timeLayout), int(v.skew.Minutes()))}
	}
	return nil
}

// checkSigned refuses a request with a header that should have been signed and
// wasn't: what isn't signed, anybody on the way could have set.
func checkSigned(r *http.Request, s *signature) error {
	signed := map[string]bool{}
	for _, name := range s.signedHeaders {
		signed[name] = true
	}
	if !signed["host"] {
		return &Error{invalid, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."}
	}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !signed[lower] {
			return &Error{invalid, "The header '" + lower + "' must be a 'SignedHeader' in the AWS Authorization."}
		}
	}
	return nil
}

// sign computes the signature of a canonical request.
func (s *signature) sign(secret, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{
		algorithm, s.at.Format(timeLayout),
		strings.Join([]string{s.day, s.region, s.service, s.terminator}, "/"),
		hex.EncodeToString(hash[:]),
	}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.day, s.region, s.service, s.terminator, toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}
