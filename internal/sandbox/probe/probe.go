// Package probe holds what one tenant may try against another, and against the
// machine, from inside of an execution environment.
//
// [Settle] is the victim's part, [Attack] the attacker's. The package does not say
// which attack should fail: that depends on the walls, and on who asks. It starts
// nothing and knows no driver; both parts run in processes that others have put
// where they are.
package probe

// Target is what the attacker is told of the victim: more than a tenant ever would
// know.
type Target struct {
	Name       string // of its files and its socket
	Secret     string
	HostPID    int     // in the host's numbers; whoever started the victim knows it
	RuntimeAPI string  // as the victim sees it: host:port
	Address    uintptr // of the secret in the victim's memory
	ShmID      int     // of its System V shared memory
	Tmp        string  // a file in the victim's folder for temporary ones
	Home       string  // of the user who runs Berth
}

// Verdict is what became of an attack.
type Verdict struct {
	Done bool   // nothing was in the way
	How  string // what was reached, or what was in the way
}
