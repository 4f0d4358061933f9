// Package gateway is the HTTP doors to functions: it turns a client's request
// into an event, and the function's answer into a response, as AWS does.
//
// There is a door for each product, and they differ in events, answers and
// refusals: [NewREST] for a REST API, [NewHTTP] for an HTTP API, [NewFunctionURL]
// and [NewALB]. A door knows nothing of templates, environments or who listens
// where.
//
// The tenant of an invocation is what a REST API's own mapping says, and nothing
// else: an X-Amz-Tenant-Id that a client sends reaches neither Lambda nor the
// event, unless the template maps from it.
package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"math/big"
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/invocation"
	"github.com/berthdev/berth/internal/sigv4"
)

// Invoker runs functions.
type Invoker interface {
	// Invoke returns when the function has answered, or ctx ends. A
	// *function.Refusal is Lambda's own; any other error is a fault of Berth's.
	// The end of ctx means that nobody waits any more, not that the function
	// should stop.
	Invoke(ctx context.Context, r invocation.Request) (*invocation.Response, error)
}

// Config is what the doors have in common.
type Config struct {
	Region  string       // of the ARNs that functions see; empty means us-east-1
	Account string       // 12 digits, of the events' accountId; empty means 123456789012
	Logger  *slog.Logger // the causes of 5xx go here; nil discards
	Keys    sigv4.Keys   // whose signatures count where only signed requests come in; nil means nobody's
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Account == "" {
		c.Account = "123456789012"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// source is where a door takes what differs between two equal requests. Tests put
// fixed values there.
type source struct {
	now        func() time.Time
	requestID  func() string // a UUID
	extendedID func() string // as x-amz-apigw-id: 16 characters of base64
	traceID    func(time.Time) string
}

func newSource() source {
	return source{
		now:       time.Now,
		requestID: uuid.NewString,
		extendedID: func() string {
			var b [11]byte
			rand.Read(b[:]) // never fails
			return base64.StdEncoding.EncodeToString(b[:])
		},
		traceID: newTraceID,
	}
}

// resourceName makes an identifier of n lower-case letters and digits, the same
// one for the same seed: AWS's API, deployment and resource IDs look like that.
func resourceName(n int, seed string) string {
	const letters = 36
	sum := sha256.Sum256([]byte(seed))
	number := new(big.Int).SetBytes(sum[:])
	base := big.NewInt(letters)
	name := make([]byte, n)
	for i := range name {
		var digit big.Int
		number.DivMod(number, base, &digit)
		name[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[digit.Int64()]
	}
	return string(name)
}
