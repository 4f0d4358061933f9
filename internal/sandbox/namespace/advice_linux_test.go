package namespace

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/berthdev/berth/internal/sandbox"
)

func TestAdvise(t *testing.T) {
	modern := facts{release: "6.8.0-40-generic", maxNamespaces: "96343"}
	with := func(change func(*facts)) facts { f := modern; change(&f); return f }
	for _, tt := range []struct {
		name   string
		facts  facts
		what   string
		errno  syscall.Errno
		reason string // a part; "" for a lack that will pass
		fix    string
	}{
		{"Ubuntu 24.04, as it comes", with(func(f *facts) { f.apparmor = "1" }), "make mounts private", unix.EACCES, "AppArmor", "apparmor_restrict_unprivileged_userns=0"},
		{"the same, as root", with(func(f *facts) { f.apparmor, f.root = "1", true }), "pivot_root", unix.EPERM, "pivot_root", "berth doctor"},
		{"Debian 10", with(func(f *facts) { f.cloneAllowed = "0" }), "make the namespaces", unix.EPERM, "forbids", "unprivileged_userns_clone=1"},
		{"RHEL 8 hardened", with(func(f *facts) { f.maxNamespaces = "0" }), "make the namespaces", unix.ENOSPC, "no user namespaces", "max_user_namespaces="},
		{"RHEL 8's kernel", with(func(f *facts) { f.release = "4.18.0-553.el8" }), "open /usr", unix.ENOSYS, "too old", "5.12"},
		{"a container with its usual filter", with(func(f *facts) { f.container = true }), "make the namespaces", unix.EPERM, "containers", "--privileged"},
		{"a container that hides parts of /proc", with(func(f *facts) { f.container = true }), "mount /proc", unix.EPERM, "/proc", "systempaths"},
		{"too many namespaces at the moment", modern, "make the namespaces", unix.ENOSPC, "", ""},
		{"no memory", modern, "make the namespaces", unix.ENOMEM, "", ""},
		{"no descriptors", modern, "open /usr", unix.EMFILE, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reason, fix := tt.facts.advise(tt.what, tt.errno)
			if tt.reason == "" && (reason != "" || fix != "") {
				t.Fatalf("got %q, %q", reason, fix)
			}
			if !strings.Contains(reason, tt.reason) || !strings.Contains(fix, tt.fix) {
				t.Errorf("got %q, %q; want parts %q, %q", reason, fix, tt.reason, tt.fix)
			}
		})
	}
}

func TestOlderThan(t *testing.T) {
	for release, want := range map[string]bool{
		"5.11.0": true, "5.12.0": false, "4.19.0-21-amd64": true, "6.1": false, "5.9-rc1": true,
		"10.0.1": false, "": false, "odd": false, "6": false,
	} {
		if got := olderThan(release, 5, 12); got != want {
			t.Errorf("%q is older than 5.12: %t", release, got)
		}
	}
}

func TestExplainKeepsTheCause(t *testing.T) {
	err := explain("open /usr", unix.EMFILE)
	if _, ok := errors.AsType[*sandbox.UnavailableError](err); ok || !errors.Is(err, unix.EMFILE) {
		t.Errorf("got %v", err)
	}
}
