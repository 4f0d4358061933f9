package namespace

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
)

// facts are what a machine says about namespaces; "" where it says nothing.
type facts struct {
	root          bool
	release       string // of the kernel, "6.18.44-generic"
	maxNamespaces string // user.max_user_namespaces
	cloneAllowed  string // kernel.unprivileged_userns_clone, Debian's
	apparmor      string // kernel.apparmor_restrict_unprivileged_userns, Ubuntu's
	container     bool
}

func readFacts() facts {
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	return facts{
		root:          os.Geteuid() == 0,
		release:       read("/proc/sys/kernel/osrelease"),
		maxNamespaces: read("/proc/sys/user/max_user_namespaces"),
		cloneAllowed:  read("/proc/sys/kernel/unprivileged_userns_clone"),
		apparmor:      read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
		container:     exists("/.dockerenv") || exists("/run/.containerenv"),
	}
}

// advise says in words why a step was refused, and what would change it; reason
// is "" where a machine that gives namespaces is only short of something.
func (f facts) advise(what string, errno syscall.Errno) (reason, fix string) {
	switch errno {
	case unix.EPERM, unix.EACCES, unix.ENOSYS, unix.EINVAL, unix.EOPNOTSUPP, unix.ENOSPC, unix.EUSERS:
	default:
		return "", ""
	}
	switch {
	case f.maxNamespaces == "0":
		return "the kernel is told to make no user namespaces", "sudo sysctl -w user.max_user_namespaces=65536"
	case errno == unix.ENOSPC || errno == unix.EUSERS:
		return "", ""
	case olderThan(f.release, 5, 12):
		return "Linux " + f.release + " is too old", "use Linux 5.12 or newer"
	case !f.root && f.cloneAllowed == "0":
		return "the kernel forbids user namespaces to users", "sudo sysctl -w kernel.unprivileged_userns_clone=1"
	case !f.root && f.apparmor == "1":
		return "AppArmor takes the rights from users' namespaces", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	case what == "mount /proc":
		return "parts of /proc are hidden here already, so the kernel shows no new one",
			"in a container: docker run --security-opt systempaths=unconfined, or --privileged"
	case f.container:
		return what + ": " + errno.Error() + ", as containers forbid it", "docker run --privileged"
	}
	return what + ": " + errno.Error(), "berth doctor"
}

// olderThan compares a release with a version; one that can't be read is not older.
func olderThan(release string, major, minor int) bool {
	a, rest, _ := strings.Cut(release, ".")
	b, _, _ := strings.Cut(rest, ".")
	x, err := strconv.Atoi(a)
	if err != nil {
		return false
	}
	if i := strings.IndexFunc(b, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		b = b[:i] // "9-rc1"
	}
	y, err := strconv.Atoi(b)
	if err != nil {
		return false
	}
	return x < major || x == major && y < minor
}

// explain tells a machine that can't give namespaces, a *sandbox.UnavailableError,
// from one that is short of something at the moment.
func explain(what string, err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		if reason, fix := readFacts().advise(what, errno); reason != "" {
			return &sandbox.UnavailableError{Isolation: "namespace", Reason: reason, Fix: fix}
		}
	}
	return fmt.Errorf("build the sandbox: %s: %w", what, err)
}
