// Package walls names the walls of the namespace driver, so that a test can take
// one down and show what stood behind it.
//
// Nothing but tests may name a wall: a wall that an option could take down would
// be down somewhere. A test of package namespace holds this.
package walls

// Set is a set of walls.
type Set uint32

const (
	User    Set = 1 << 0 // user namespace, and a user ID of its own where Berth is root
	PID     Set = 1 << 1 // pid namespace, and a /proc of its own
	Net     Set = 1 << 2 // network namespace
	IPC     Set = 1 << 3 // ipc namespace
	Root    Set = 1 << 4 // a root without the host's homes and configuration
	Tmp     Set = 1 << 5 // /tmp of its own
	Dev     Set = 1 << 6 // /dev with five harmless devices
	Task    Set = 1 << 7 // /var/task is read-only
	Seccomp Set = 1 << 8 // the list of system calls

	// Landlock is a second wall behind Task, PID and Net, on kernels that have it.
	Landlock Set = 1 << 9
)

// Has says whether the set holds every wall of w.
func (s Set) Has(w Set) bool { return s&w == w }
