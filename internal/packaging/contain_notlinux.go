//go:build unix && !linux

package packaging

import "syscall"

// endWithParent does nothing where the kernel has no such service: a tool then
// ends by itself.
func endWithParent(*syscall.SysProcAttr) {}
