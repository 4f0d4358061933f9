package isolation

import (
	"os"
	"testing"

	"github.com/berthdev/berth/internal/sandbox/landlock"
	"github.com/berthdev/berth/internal/sandbox/process"
)

// promised are the probes that landlock holds. Not among them is the list of
// processes, which it does not hide. Those marked bare are shown to succeed with
// nothing around a function but a process.
var promised = []struct {
	name   string
	attack string
	bare   bool
	root   bool // bare only where the attacker is root
}{
	{"A's temporary files", "tmp", true, false},
	{"A's files in /dev/shm", "dev-shm", true, false},
	{"A's environment variables", "environ", true, false},
	{"A's memory, by /proc", "mem", true, false},
	{"A's memory, by process_vm_readv", "vm-readv", true, false},
	{"A as a debugger sees it", "ptrace", true, false},
	{"a signal to A", "signal", true, false},
	{"A's Runtime API", "runtime-api", true, false},
	{"A's abstract socket", "abstract", true, false},
	{"A's System V shared memory", "sysv-shm", true, false},
	{"the home of Berth's user", "home", true, false},
	{"the host's /etc/shadow", "shadow", true, true},
	{"a user namespace, to be root in", "user-ns", true, false},
	{"a key in the kernel's keyring", "keyring", true, false},
	{"an io_uring", "io-uring", true, false},
	{"a socket to the hypervisor", "packet", true, false},
	{"a write to the code", "code", true, false},
	{"A's limits", "limits", true, false},
	{"a file's mode, by its path", "chmod", true, false},
	{"a datagram", "udp", true, false},
	{"a write to the root", "root", false, false},
	{"a write to /usr", "usr", false, false},
	{"a mount", "mount", false, false},
	{"the kernel's emergency keys", "sysrq", false, false},
	{"the machine's clock", "clock", false, false},
}

func TestLandlockProbes(t *testing.T) {
	d := landlock.New(landlock.Config{Dir: t.TempDir()})
	if err := d.Check(t.Context(), t.TempDir()); err != nil {
		t.Skip(err)
	}
	bare := process.New(process.Config{Dir: t.TempDir()})
	code := codeFolder(t)
	for _, p := range promised {
		t.Run(p.name, func(t *testing.T) {
			if v := attackOn(t, d, code, p.attack, "landlock"); v.Done {
				t.Errorf("it reached %s", v.How)
			}
			if !p.bare || p.root && os.Geteuid() != 0 {
				return
			}
			if v := attackOn(t, bare, code, p.attack, "process"); !v.Done {
				if yama() {
					t.Skip("Yama keeps debuggers out of everything here")
				}
				t.Errorf("with nothing around it it still fails, so that it proves nothing: %s", v.How)
			}
		})
	}
}
