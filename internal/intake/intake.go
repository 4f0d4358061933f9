// Package intake reads the bodies of HTTP requests at a bounded cost.
//
// [Read] decides how much memory and how much time one body may take, and says by
// how much a body was too large. It knows nothing of what bodies mean.
package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Patience is how long a client may take to send a body. http.Server's
// ReadTimeout must not do this: it would also end the contexts of requests whose
// bodies have arrived and whose answers take longer.
const Patience = 60 * time.Second

// drainLimit is how much of a body that is too large is read and counted, in
// bytes, before the client is given up. One that is still sending hears of the
// refusal only if somebody reads.
const drainLimit = 64 << 20

// TooLargeError says that a body is larger than it may be.
type TooLargeError struct {
	Size int64 // in bytes, as announced or counted; what is beyond 64 MB more than the limit is not counted
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("request body of %d bytes is too large", e.Size)
}

// Read reads the body of r whole. With more than limit bytes it is a
// *TooLargeError; other errors mean that the client left, stalled or sent broken
// chunks. A body that is too large costs no more memory than one that isn't.
func Read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(Patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		const trusted = 64 << 10 // what the client has only announced isn't worth more memory
		body.Grow(int(min(r.ContentLength, trusted)))
	}
	if _, err := body.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	size := int64(body.Len())
	if size <= limit {
		// The rest of the request's time is not the client's. After an error the
		// deadline stays: the server would wait for what is left of the body.
		if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return nil, fmt.Errorf("read request body: %w", err)
		}
		return body.Bytes(), nil
	}
	rest, _ := io.Copy(io.Discard, io.LimitReader(r.Body, drainLimit)) // whatever stopped it, it is too large
	return nil, &TooLargeError{Size: max(size+rest, r.ContentLength)}
}
