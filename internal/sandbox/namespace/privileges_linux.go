package namespace

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stageCaps carry the stage through exec, which would drop what is not ambient:
// its user is not root inside either.
var stageCaps = []uintptr{
	unix.CAP_SYS_ADMIN, // mounts, the host's name, the cgroup namespace
	unix.CAP_NET_ADMIN, // bringing lo up
	unix.CAP_SETUID, unix.CAP_SETGID,
	unix.CAP_SETPCAP, // emptying the bounding set
}

// becomeSandboxUser turns Berth's root, which has no name inside, into the
// sandbox's user. Capabilities stay: neither of the two is root here.
func becomeSandboxUser() error {
	if err := syscall.Setgroups(nil); err != nil {
		return step("setgroups", err)
	}
	if err := syscall.Setresgid(sandboxID, sandboxID, sandboxID); err != nil {
		return step("setresgid", err)
	}
	return step("setresuid", syscall.Setresuid(sandboxID, sandboxID, sandboxID))
}

// dropBounding empties the calling thread's bounding set: no program that it
// starts can have a capability, whatever its file says.
func dropBounding() error {
	for c := uintptr(0); ; c++ {
		switch err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err {
		case nil:
		case unix.EINVAL: // beyond the last that this kernel has
			return nil
		default:
			return step(fmt.Sprintf("drop capability %d", c), err)
		}
	}
}

func dropThread() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return step("capset", unix.Capset(&hdr, &data[0]))
}

// dropAllThreads empties the capabilities of every thread of the stage. Where C
// code is linked in Go can't reach all threads; the stage then keeps, over its own
// namespace alone, what it was given. Nothing that it starts from here on has any.
func dropAllThreads() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&data[0])), 0)
	if errno != 0 && errno != syscall.ENOTSUP {
		return step("capset", errno)
	}
	return nil
}

// privileged says whether this process may map other users' IDs than its own.
func privileged() (bool, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false, fmt.Errorf("read own capabilities: %w", err)
	}
	const need = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	return data[0].Effective&need == need, nil
}
