package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine describes what a run was made on, one fact a line: figures without it
// can't be compared with any others.
func machine() []string {
	facts := []string{time.Now().UTC().Format("2 January 2006, 15:04 UTC")}
	processor := "an unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				processor = strings.TrimSpace(value)
				break
			}
		}
	}
	facts = append(facts, fmt.Sprintf("%d processors, %s", runtime.NumCPU(), processor))
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		facts = append(facts, "Linux "+unix.ByteSliceToString(name.Release[:])+", "+runtime.Version())
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		facts = append(facts, "load when it began: "+strings.Join(strings.Fields(string(load))[:3], ", "))
	}
	return facts
}
