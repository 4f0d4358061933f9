// Package function is the vocabulary of the platform: functions, versions,
// tenants, names, and the refusals that an AWS SDK understands.
//
// It knows nothing of HTTP, processes or templates; every other package speaks
// in its terms.
package function

import "time"

// Limits and defaults of a function's configuration.
// Source: AWS Lambda developer guide, gettingstarted-limits and API_CreateFunction.
const (
	DefaultMemoryMB           = 128
	MinMemoryMB               = 128
	MaxMemoryMB               = 10240
	DefaultEphemeralStorageMB = 512
	MaxEphemeralStorageMB     = 10240
	DefaultTimeout            = 3 * time.Second
	MaxTimeout                = 900 * time.Second

	// MaxPayload is the largest event that a synchronous Invoke takes, in bytes.
	MaxPayload = 6 * 1024 * 1024
	// MaxResponse is the largest buffered response, in bytes: Lambda allows it
	// 100 bytes more than the event.
	MaxResponse = MaxPayload + 100
)

// Latest is the version that changes with each deployment of the function.
const Latest = "$LATEST"

// Version is one edition of a function: its code and its configuration.
// It is immutable once it is registered; to change a function is to register a
// new Version value, so a *Version is an identity that environments can be
// keyed by.
type Version struct {
	Name   string // "counter": 1 to 64 of [a-zA-Z0-9-_]
	Number string // "$LATEST" or "1", "2", …

	// CodeDir is the folder on this machine that the environment sees as
	// /var/task. For an OS-only runtime it holds an executable "bootstrap".
	CodeDir string

	Runtime            string            // "provided.al2023"
	Handler            string            // handed on as _HANDLER; OS-only runtimes ignore it
	MemoryMB           int               // MinMemoryMB to MaxMemoryMB
	EphemeralStorageMB int               // the size of /tmp
	Timeout            time.Duration     // 1 s to 900 s, whole seconds
	Environment        map[string]string // the user's variables, without Lambda's own
	TenantIsolation    bool              // TenancyConfig.TenantIsolationMode is PER_TENANT
	Logging            Logging

	// ReservedConcurrency is the share of the account's concurrency that is kept
	// for the function, and its ceiling; nil is none. It is the function's, not
	// the version's: the newest one counts.
	ReservedConcurrency *int

	// DeadLetterTarget is the ARN of the queue or topic that gets the events of
	// asynchronous invocations that were given up; "" for none.
	DeadLetterTarget string
}

// Logging is a function's LoggingConfig.
// Source: AWS Lambda developer guide, monitoring-cloudwatchlogs-logformat.
type Logging struct {
	Format           string // "Text" (also when empty) or "JSON"
	ApplicationLevel string // TRACE, DEBUG, INFO, WARN, ERROR or FATAL; empty means INFO; only with JSON
	SystemLevel      string // DEBUG, INFO or WARN; empty means INFO; only with JSON
	Group            string // empty means /aws/lambda/<name>
}

// JSON reports whether log lines are structured.
func (l Logging) JSON() bool { return l.Format == "JSON" }

// LogGroup is the name of the CloudWatch log group that the function sees.
func (v *Version) LogGroup() string {
	if v.Logging.Group != "" {
		return v.Logging.Group
	}
	return "/aws/lambda/" + v.Name
}
