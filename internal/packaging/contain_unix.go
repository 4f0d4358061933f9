//go:build unix

package packaging

import (
	"os/exec"
	"syscall"
)

// contain makes a tool and all that it starts one group, which is interrupted
// when the command's context ends. The go command then removes its own files.
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
}

// killGroup ends what a tool has left running.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		// The group is gone if nothing is left; there is nobody to tell.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
