//go:build !linux

package probe

import "errors"

// Attack can't be done here: no isolation of this system claims to stop it.
func Attack(string, Target) Verdict {
	return Verdict{Done: true, How: "nothing on this system would be in the way"}
}

// Settle can't be done here.
func Settle(string, []byte) (Target, func(), error) {
	return Target{}, func() {}, errors.New("the probes need Linux")
}
