package sqs

import (
	"fmt"
	"net/http"

	"github.com/berthdev/berth/internal/queue"
)

// fault is an answer of SQS's that says what is wrong with a request.
// Source: Amazon SQS API reference, Common Error Types and each operation.
type fault struct {
	code    string // as SQS's model names it: "QueueDoesNotExist"
	query   string // as the older protocol named it, which SDKs show still; "" if it is the same
	message string
	status  int // 0 means 400
}

func (f *fault) Error() string { return f.code + ": " + f.message }

// Unwrap says that no other attempt would be better off.
func (f *fault) Unwrap() error { return queue.ErrRefused }

func (f *fault) statusCode() int {
	if f.status == 0 {
		return http.StatusBadRequest
	}
	return f.status
}

func (f *fault) queryCode() string {
	if f.query == "" {
		return f.code
	}
	return f.query
}

// errNoQueue is the fault of a request for a queue that is not here.
var errNoQueue = &fault{code: "QueueDoesNotExist", query: "AWS.SimpleQueueService.NonExistentQueue", message: "The specified queue does not exist."}

func invalid(format string, args ...any) *fault {
	return &fault{code: "InvalidParameterValue", message: fmt.Sprintf(format, args...)}
}

func errHandle(handle string) *fault {
	return &fault{code: "ReceiptHandleIsInvalid", message: fmt.Sprintf("The input receipt handle %q is not a valid receipt handle.", handle)}
}
