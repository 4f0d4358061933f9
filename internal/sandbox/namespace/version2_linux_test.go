package namespace

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Everything again where only version 2 of cgroups is to be seen: this test binary
// runs in a mount namespace without the others, if it may make one.
func TestVersion2(t *testing.T) {
	if os.Getenv(version2Var) != "" {
		t.Skip("this is the second run")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const script = `while read -r _ at kind _; do test "$kind" != cgroup || umount "$at" || exit 1; done </proc/self/mounts
exec "$0" -test.v -test.run '^(TestConformance|TestManyStartAtOnce)$'`
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script, exe)
	cmd.Env = append(os.Environ(), version2Var+"=1")
	cmd.SysProcAttr = &unix.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
	case strings.Contains(string(out), "FAIL"):
		t.Fatalf("%v\n%s", err, out)
	default:
		t.Skipf("version 1 can't be taken away here: %v: %s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestConformance ") {
		t.Errorf("%s", out)
	}
}

const version2Var = "BERTH_TEST_VERSION2"
