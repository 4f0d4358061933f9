package seccomp

import (
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

func TestNoCallStandsTwice(t *testing.T) {
	all := slices.Concat(allowed, refused)
	slices.Sort(all)
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			t.Errorf("%s is in the lists twice", all[i])
		}
	}
	for _, c := range conditional {
		if slices.Contains(allowed, c.Name) {
			t.Errorf("%s is allowed with every argument, so its condition means nothing", c.Name)
		}
	}
}

// Every name must be a system call of some architecture: a name that is
// misspelt would be passed over in silence.
func TestEveryNameIsACall(t *testing.T) {
	newer := []string{ // than the assembler's tables
		"open_tree_attr", "mseal",
	}
	for _, name := range slices.Concat(allowed, refused) {
		_, amd64 := arch.X86_64.SyscallNames[name]
		_, arm64 := arch.AARCH64.SyscallNames[name]
		_, i386 := arch.I386.SyscallNames[name]
		if !amd64 && !arm64 && !i386 && !slices.Contains(newer, name) {
			t.Errorf("no architecture has a call %q", name)
		}
	}
}

func TestProgramFitsTheKernel(t *testing.T) {
	p, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p) / 8; len(p)%8 != 0 || n < 100 || n > unix.BPF_MAXINSNS {
		t.Errorf("%d bytes are %d instructions", len(p), n)
	}
	again, err := Program()
	if err != nil || !slices.Equal(p, again) {
		t.Errorf("assembled again it differs (%v)", err)
	}
}

func TestInstallRefusesWhatIsNoProgram(t *testing.T) {
	for _, p := range [][]byte{nil, {}, make([]byte, 7), make([]byte, 8*(unix.BPF_MAXINSNS+1))} {
		if err := Install(p); err == nil {
			t.Errorf("%d bytes were installed", len(p))
		}
	}
}
