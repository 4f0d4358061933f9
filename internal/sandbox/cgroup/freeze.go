package cgroup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNoFreezer is returned where a group can't be frozen.
var ErrNoFreezer = errors.New("no cgroup freezer")

// Freeze takes the CPU away from the whole group. It returns when every process
// stands still, or when ctx ends.
func (g *Group) Freeze(ctx context.Context) error { return g.setFrozen(ctx, true) }

// Thaw gives the CPU back.
func (g *Group) Thaw(ctx context.Context) error { return g.setFrozen(ctx, false) }

func (g *Group) setFrozen(ctx context.Context, frozen bool) error {
	var err error
	var done func() bool
	switch dir, version := g.dir("freezer"); {
	case version == 1:
		state := map[bool]string{true: "FROZEN", false: "THAWED"}[frozen]
		err = write(dir, "freezer.state", state)
		done = func() bool { return holds(dir, "freezer.state", state) }
	case g != nil && g.unified != "":
		want := map[bool]int64{true: 1, false: 0}[frozen]
		err = write(g.unified, "cgroup.freeze", strconv.FormatInt(want, 10))
		done = func() bool { n, ok := field(g.unified, "cgroup.events", "frozen"); return ok && n == want }
	default:
		return ErrNoFreezer
	}
	for wait := 50 * time.Microsecond; err == nil && !done(); wait = min(2*wait, 5*time.Millisecond) {
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(wait):
		}
	}
	if err != nil {
		return fmt.Errorf("set cgroup %s to frozen=%t: %w", g.name, frozen, err)
	}
	return nil
}

func holds(dir, file, value string) bool {
	b, err := readFile(dir, file)
	return err == nil && strings.TrimSpace(string(b)) == value
}

// Kill sends SIGKILL to everything in the group, and goes on until nothing is
// left that it could be sent to: a process can't outrun it by forking.
func (g *Group) Kill(ctx context.Context) error {
	if g == nil {
		return nil
	}
	if g.unified != "" {
		if err := write(g.unified, "cgroup.kill", "1"); err == nil { // Linux 5.14
			return nil
		}
	}
	frozen := g.Freeze(ctx) == nil // those who stand still don't fork
	for {
		pids, err := g.Processes()
		if err != nil {
			return err
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
				return fmt.Errorf("kill process %d of cgroup %s: %w", pid, g.name, err)
			}
		}
		if frozen {
			return g.Thaw(ctx)
		}
		if len(pids) == 0 {
			return nil
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
