package seccomp

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// This architecture has only ever had the newer calls.
var allowedHere, refusedHere, byPathHere []uint32
