package cgroup

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// Kill sends SIGKILL to everything in the group, and goes on until nothing is
// left that it could be sent to: who forks meanwhile is found in the next round,
// and there can't be more than the group's limit.
func (g *Group) Kill(ctx context.Context) error {
	if g == nil {
		return nil
	}
	if g.unified != "" {
		if err := write(g.unified, "cgroup.kill", "1"); err == nil { // Linux 5.14
			return nil
		}
	}
	for {
		pids, err := g.Processes()
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
				return fmt.Errorf("kill process %d of cgroup %s: %w", pid, g.name, err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kill cgroup %s: %w", g.name, context.Cause(ctx))
		case <-time.After(time.Millisecond):
		}
	}
}

func parsePIDs(b []byte) ([]int, error) {
	var pids []int
	for f := range bytes.FieldsSeq(b) {
		pid, err := strconv.Atoi(string(f))
		if err != nil {
			return nil, fmt.Errorf("read a list of processes: %w", err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
