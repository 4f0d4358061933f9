package seccomp

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Install puts a filter made by [Program] around every thread of the calling
// process, and around all that it starts, for good. It sets no_new_privs, which
// the kernel asks for from those without privileges.
func Install(program []byte) error { return install(program, unix.SECCOMP_FILTER_FLAG_TSYNC) }

// InstallThread does so for the calling thread, and what that starts. The
// goroutine must be locked to the thread, and the thread end with it.
func InstallThread(program []byte) error { return install(program, 0) }

func install(program []byte, flags uintptr) error {
	const size = int(unsafe.Sizeof(unix.SockFilter{}))
	if len(program) == 0 || len(program)%size != 0 || len(program)/size > unix.BPF_MAXINSNS {
		return fmt.Errorf("install the seccomp filter: %d bytes are no program", len(program))
	}
	filter := unsafe.Slice((*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(program))), len(program)/size)
	fprog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl no_new_privs", err)
	}
	tid, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		flags, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	if tid != 0 {
		return fmt.Errorf("seccomp: thread %d could not be brought under the filter", tid)
	}
	return nil
}

// Supported says whether the kernel takes filters.
func Supported() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0
}
