package namespace

import (
	"encoding/json"
	"fmt"
)

// A plan is what the stage is to build. Berth works all of it out, so that the
// stage, which runs once for each environment, has little to think.
type plan struct {
	Command []string // empty to build the walls only, and see whether they stand
	Env     []string

	// ChangeID is set when the stage comes in as Berth's own user and has to
	// become the sandbox's. An unprivileged user is mapped to it from the start.
	ChangeID bool

	Dirs  []string
	Files []file
	Links []link
	Binds []bind
	Hide  []bind // applied last, over what is there; Source is inside
	Tmp   string // options of the tmpfs at /tmp; "" for none

	Proc     bool    // mount a new /proc
	Hostname string  // "" leaves the host's
	Loopback bool    // bring up lo and listen on it
	Cgroup   bool    // make a cgroup namespace
	Landlock bool    // enforce the second wall
	Filter   []byte  // seccomp program; nil for none
	Limits   []limit // of the command

	Folders   []bind // the code, and the layers if there are any
	FolderFDs bool   // each of them follows as a descriptor
	Joins     int    // how many cgroup files follow as descriptors
}

type file struct{ Path, Content string }

type link struct{ Path, To string }

type bind struct {
	Source, Target string
	Device         bool // a device node, which must stay usable
	Writable       bool
	Dir            bool
}

type limit struct {
	Resource  int
	Soft, Max uint64
}

// A report is what the stage says of itself: once that the command runs or why
// it doesn't, and once how it ended.
type report struct {
	Step    string // what could not be done; "" if all could
	Errno   uint32 // why
	Command bool   // the walls stand, and the command can't be run

	Ended  bool
	Status uint32 // as wait4 gives it
}

// Commands to the stage: one byte each. The end of the socket is one too, and
// ends the environment.
const (
	cmdTerminate = 'T'
	cmdStop      = 'S'
	cmdContinue  = 'C'
)

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b, nil
}

func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}
