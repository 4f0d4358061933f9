// Package raw is the function of the twins that take and give bytes.
package raw

import (
	"context"
	"strconv"

	"github.com/berthdev/berth/bench/twins/count"
)

// CountEvent asks the function for [count.Objects].
const CountEvent = `"objects"`

// Handle answers with the event itself.
func Handle(_ context.Context, event []byte) ([]byte, error) {
	if string(event) == CountEvent {
		return strconv.AppendUint(nil, count.Objects(), 10), nil
	}
	return event, nil
}
