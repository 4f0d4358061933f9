package runtimeapi

import (
	"errors"
	"fmt"
)

// ErrInterrupted is returned by a call that [Client.Interrupt] ended.
var ErrInterrupted = errors.New("interrupted")

// ProtocolError is an answer that is no proper answer of a Runtime API. Asking
// again would not help.
type ProtocolError struct {
	Op      string // "next"
	Problem string
}

func (e *ProtocolError) Error() string { return e.Op + ": malformed answer: " + e.Problem }

// StatusError is an answer of the Runtime API that refuses a call.
type StatusError struct {
	Op      string // "next", "response", "error", "init/error"
	Status  int    // 400, 403, 410, 413, 500
	Type    string // "InvalidRequestID"; "" when the body doesn't say
	Message string // the platform's words
}

func (e *StatusError) Error() string {
	switch {
	case e.Type != "":
		return fmt.Sprintf("%s: status %d: %s: %s", e.Op, e.Status, e.Type, e.Message)
	case e.Message != "":
		return fmt.Sprintf("%s: status %d: %s", e.Op, e.Status, e.Message)
	}
	return fmt.Sprintf("%s: status %d", e.Op, e.Status)
}

// malformed is the problem of a [ProtocolError] before it is known which call
// met it.
type malformed string

func (m malformed) Error() string { return string(m) }
