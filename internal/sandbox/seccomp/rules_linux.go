//go:build linux && (amd64 || arm64)

package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"
)

// A rule is what happens to one call: it is allowed if there is a way in which all
// conditions hold, and otherwise answers errno.
type rule struct {
	ways  [][]condition // one without conditions always holds
	errno unix.Errno
}

// A condition holds if the bits of an argument that mask names are value's.
type condition struct {
	arg         int
	mask, value uint64
}

func is(arg int, value uint64) condition { return condition{arg, ^uint64(0), value} }

func without(arg int, bits uint64) condition { return condition{arg, bits, 0} }

// namespaceFlags are the flags of clone that make a namespace. CLONE_NEWTIME is
// not among them: clone reads those bits as a signal's number, and only clone3,
// which is not allowed at all, takes it.
const namespaceFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// rules are a scope's, by the number of the call.
func (s Scope) rules() map[uint32]rule {
	rules := map[uint32]rule{
		unix.SYS_CLONE: {[][]condition{{without(0, namespaceFlags)}}, unix.EPERM},
		// The second is a question, not a change.
		unix.SYS_PERSONALITY: {[][]condition{{is(0, 0)}, {is(0, 0xffffffff)}}, unix.EPERM},
		unix.SYS_SOCKET:      {s.sockets(), unix.EAFNOSUPPORT},
	}
	for _, nr := range allowed {
		rules[nr] = rule{ways: [][]condition{{}}}
	}
	for _, nr := range refused {
		rules[nr] = rule{errno: unix.EPERM}
	}
	if !s.Shared {
		return rules
	}
	for _, nr := range slices.Concat(byPath, queues) {
		rules[nr] = rule{errno: unix.EPERM}
	}
	for _, nr := range onSelf {
		rules[nr] = rule{[][]condition{{is(0, 0)}}, unix.EPERM}
	}
	rules[unix.SYS_SETPRIORITY] = rule{[][]condition{{is(0, unix.PRIO_PROCESS), is(1, 0)}}, unix.EPERM}
	rules[unix.SYS_IOPRIO_SET] = rule{[][]condition{{is(1, 0)}}, unix.EPERM}
	rules[unix.SYS_UTIMENSAT] = rule{[][]condition{{is(1, 0)}}, unix.EPERM} // by descriptor
	return rules
}

// sockets are the ways in which a socket may be made.
func (s Scope) sockets() [][]condition {
	ways := [][]condition{{is(0, unix.AF_NETLINK), is(2, unix.NETLINK_ROUTE)}} // the interfaces' addresses
	if !s.Shared {
		ways = append(ways, []condition{is(0, unix.AF_UNIX)})
	}
	for _, family := range []uint64{unix.AF_INET, unix.AF_INET6} {
		if !s.TCPOnly {
			ways = append(ways, []condition{is(0, family)})
			continue
		}
		stream := condition{1, ^uint64(unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK), unix.SOCK_STREAM}
		ways = append(ways, []condition{is(0, family), stream, is(2, 0)}, []condition{is(0, family), stream, is(2, unix.IPPROTO_TCP)})
	}
	return ways
}
