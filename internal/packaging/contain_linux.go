package packaging

import "syscall"

// endWithParent has the kernel end the tool when this process is killed.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
