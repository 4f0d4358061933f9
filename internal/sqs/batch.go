package sqs

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/berthdev/berth/internal/queue"
)

// maxBatch is how many entries a batch may have.
// Source: Amazon SQS API reference, SendMessageBatch.
const maxBatch = 10

var batchID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,80}$`)

// checkBatch refuses a batch as a whole.
func checkBatch(ids []string) *fault {
	if len(ids) == 0 {
		return &fault{code: "EmptyBatchRequest", query: "AWS.SimpleQueueService.EmptyBatchRequest", message: "There should be at least one entry in the request."}
	}
	if len(ids) > maxBatch {
		return &fault{code: "TooManyEntriesInBatchRequest", query: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
			message: fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(ids))}
	}
	seen := map[string]bool{}
	for _, id := range ids {
		switch {
		case !batchID.MatchString(id):
			return &fault{code: "InvalidBatchEntryId", query: "AWS.SimpleQueueService.InvalidBatchEntryId",
				message: "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."}
		case seen[id]:
			return &fault{code: "BatchEntryIdsNotDistinct", query: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", message: "Id " + id + " repeated."}
		}
		seen[id] = true
	}
	return nil
}

// failed is one entry of a batch that was not carried out.
type failed struct {
	ID          string `json:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

type done struct {
	ID string `json:"Id"`
}

type batchOut[O any] struct {
	Successful []O      `json:",omitempty"`
	Failed     []failed `json:",omitempty"`
}

// batch carries out one entry after the other. A fault of one is told of it
// alone; any other error is that of the whole.
func batch[I, O any](entries []I, id func(I) string, do func(I) (O, error)) (out batchOut[O], err error) {
	var ids []string
	for _, e := range entries {
		ids = append(ids, id(e))
	}
	if bad := checkBatch(ids); bad != nil {
		return out, bad
	}
	for i, e := range entries {
		one, err := do(e)
		var f *fault
		switch {
		case err == nil:
			out.Successful = append(out.Successful, one)
		case errors.As(err, &f):
			out.Failed = append(out.Failed, failed{ID: ids[i], SenderFault: true, Code: f.queryCode(), Message: f.message})
		default:
			return out, err
		}
	}
	return out, nil
}

type sendBatchIn struct {
	QueueUrl string
	Entries  []sendIn
}

func (s *Server) sendMessageBatch(_ *http.Request, in sendBatchIn) (batchOut[sendOut], error) {
	arn, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return batchOut[sendOut]{}, err
	}
	size := 0
	for _, e := range in.Entries {
		size += len(e.MessageBody)
	}
	if size > queue.MaxMaximumMessage {
		return batchOut[sendOut]{}, &fault{code: "BatchRequestTooLong", query: "AWS.SimpleQueueService.BatchRequestTooLong",
			message: fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", queue.MaxMaximumMessage, size)}
	}
	return batch(in.Entries, func(e sendIn) string { return e.ID }, func(e sendIn) (sendOut, error) { return s.send(arn, e) })
}

type deleteBatchIn struct {
	QueueUrl string
	Entries  []deleteIn
}

func (s *Server) deleteMessageBatch(_ *http.Request, in deleteBatchIn) (batchOut[done], error) {
	arn, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return batchOut[done]{}, err
	}
	return batch(in.Entries, func(e deleteIn) string { return e.ID }, func(e deleteIn) (done, error) {
		return done{e.ID}, s.queues.Delete(arn, e.ReceiptHandle)
	})
}

type changeVisibilityBatchIn struct {
	QueueUrl string
	Entries  []changeVisibilityIn
}

func (s *Server) changeMessageVisibilityBatch(_ *http.Request, in changeVisibilityBatchIn) (batchOut[done], error) {
	arn, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return batchOut[done]{}, err
	}
	return batch(in.Entries, func(e changeVisibilityIn) string { return e.ID }, func(e changeVisibilityIn) (done, error) {
		return done{e.ID}, s.hide(arn, e)
	})
}
