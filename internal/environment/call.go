package environment

import (
	"time"

	"github.com/google/uuid"

	"github.com/berthdev/berth/internal/telemetry"
)

// call is one invocation on its way through an environment. Its fields are
// guarded by the environment's mutex, but for those of the answer that its
// journal writes.
type call struct {
	inv       Invocation
	attempt   string // Lambda-Runtime-Invocation-Id: never used again
	begin     time.Time
	timer     *time.Timer // nil when the init had failed already
	cold      bool        // the environment's first
	ended     bool        // the environment ended with it
	status    telemetry.Status
	errorType string

	streaming  bool          // the answer has begun and not ended
	failed     []byte        // the error of a call that had its answer and failed all the same
	answered   chan struct{} // closed when answer is there
	answeredAt time.Time
	answer     Answer
}

func newCall(inv Invocation) *call {
	return &call{
		inv:      inv,
		attempt:  uuid.NewString(),
		status:   telemetry.Success,
		answered: make(chan struct{}),
		answer:   Answer{done: make(chan struct{})},
	}
}

// hasAnswer reports whether the caller has its answer, or its beginning.
func (c *call) hasAnswer() bool {
	select {
	case <-c.answered:
		return true
	default:
		return false
	}
}

// respond gives the caller its answer, unless it has one already.
func (c *call) respond(payload []byte, functionError bool) bool {
	if c.hasAnswer() {
		if functionError && c.failed == nil {
			c.failed = payload // for a stream, which ends with it
		}
		return false
	}
	c.answer.Payload, c.answer.FunctionError = payload, functionError
	c.answer.produced = len(payload)
	c.answeredAt = time.Now()
	close(c.answered)
	return true
}
