package seccomp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	bpf "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	netbpf "golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// namespaceFlags are the flags of clone that make a namespace. CLONE_NEWTIME is
// not among them: clone reads those bits as a signal's number, and only clone3,
// which is not allowed at all, takes it.
const namespaceFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// conditional are the calls that are allowed for some arguments only.
var conditional = []bpf.NameWithConditions{
	when("clone", 0, bpf.BitsNotSet, namespaceFlags),
	when("socket", 0, bpf.Equal, unix.AF_UNIX),
	when("socket", 0, bpf.Equal, unix.AF_INET),
	when("socket", 0, bpf.Equal, unix.AF_INET6),
	{Name: "socket", Conditions: bpf.ArgumentConditions{ // the interfaces' addresses, and no other netlink
		{Argument: 0, Operation: bpf.Equal, Value: unix.AF_NETLINK},
		{Argument: 2, Operation: bpf.Equal, Value: unix.NETLINK_ROUTE},
	}},
	when("personality", 0, bpf.Equal, 0),
	when("personality", 0, bpf.Equal, 0xffffffff), // a question, not a change
}

func when(name string, arg uint32, op bpf.Operation, value uint64) bpf.NameWithConditions {
	return bpf.NameWithConditions{Name: name, Conditions: bpf.ArgumentConditions{{Argument: arg, Operation: op, Value: value}}}
}

// Program assembles the list for this machine's architecture, in the form that
// [Install] takes. The result never changes: assemble once and keep it.
func Program() ([]byte, error) {
	here, err := arch.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("assemble the seccomp filter: %w", err)
	}
	known := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
			_, ok := here.SyscallNames[n]
			return !ok
		})
	}
	policy := bpf.Policy{
		DefaultAction: bpf.ActionKillProcess, // replaced below
		Syscalls: []bpf.SyscallGroup{
			{Action: bpf.ActionAllow, Names: known(allowed), NamesWithCondtions: conditional},
			{Action: bpf.ActionErrno | bpf.Action(unix.EAFNOSUPPORT), Names: []string{"socket"}},
			{Action: bpf.ActionErrno | bpf.Action(unix.EPERM), Names: known(refused)},
		},
	}
	instructions, err := policy.Assemble()
	if err != nil {
		return nil, fmt.Errorf("assemble the seccomp filter: %w", err)
	}
	// The assembler takes no error number for the default, and ActionErrno alone
	// would report success for a call that was never made. The last instruction is
	// the default, also for calls of another architecture.
	last := len(instructions) - 1
	if instructions[last] != (netbpf.RetConstant{Val: uint32(bpf.ActionKillProcess)}) {
		return nil, fmt.Errorf("assemble the seccomp filter: it ends with %v", instructions[last])
	}
	instructions[last] = netbpf.RetConstant{Val: uint32(bpf.ActionErrno) | uint32(unix.ENOSYS)}
	raw, err := netbpf.Assemble(instructions)
	if err != nil {
		return nil, fmt.Errorf("assemble the seccomp filter: %w", err)
	}
	var out bytes.Buffer
	for _, r := range raw {
		f := unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
		if err := binary.Write(&out, binary.NativeEndian, f); err != nil {
			return nil, fmt.Errorf("assemble the seccomp filter: %w", err)
		}
	}
	return out.Bytes(), nil
}
