// Package raw is the function of the twins that take and give bytes.
package raw

import (
	"context"

	"github.com/berthdev/berth/bench/twins/count"
)

// CountEvent asks the function for [count.Heap].
const CountEvent = `"heap"`

// Handle answers with the event itself.
func Handle(_ context.Context, event []byte) ([]byte, error) {
	if string(event) == CountEvent {
		return []byte(count.Heap()), nil
	}
	return event, nil
}
