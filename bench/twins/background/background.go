// Package background is the work of the twins that have more to do than to
// answer: what a caller waits for is theirs to choose.
package background

import (
	"crypto/sha256"

	"github.com/berthdev/berth/bench/twins/count"
)

// CountEvent asks the function for [count.Heap].
const CountEvent = `"heap"`

// Answer is what the caller wants to know.
func Answer(event string) string {
	if event == "heap" {
		return count.Heap()
	}
	return "accepted"
}

var data [256 << 10]byte

// Work is what has to be done as well: some tenths of a millisecond.
func Work() byte { return sha256.Sum256(data[:])[0] }
