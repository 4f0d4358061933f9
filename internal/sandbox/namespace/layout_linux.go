package namespace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/berthdev/berth/internal/sandbox"
	"github.com/berthdev/berth/internal/sandbox/namespace/walls"
)

// systemDirs are seen inside as they are outside, read-only: what programs are
// made of. A symbolic link, as /bin is one on a merged /usr, stays one.
var systemDirs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"}

// publicConfig are the parts of /etc that programs need and that hold no secret:
// the linker's cache, certificates, the time zone, and the links by which Debian
// finds its programs. Patterns of filepath.Match.
var publicConfig = []string{
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/alternatives",
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/tls/openssl.cnf",
	"/etc/pki/ca-trust/extracted", "/etc/ca-certificates", "/etc/crypto-policies", "/etc/java*",
	"/etc/mime.types", "/etc/protocols", "/etc/services",
}

// devices are all the devices that there are inside.
var devices = []string{"null", "zero", "full", "random", "urandom"}

// hiddenFiles and hiddenDirs of /proc tell of the host or its kernel, and are
// empty inside; those that a kernel doesn't have are passed over.
var (
	hiddenFiles = []string{
		"cmdline", "config.gz", "interrupts", "kallsyms", "kcore", "key-users", "keys", "kmsg",
		"latency_stats", "modules", "sched_debug", "softirqs", "sysrq-trigger", "timer_list",
	}
	hiddenDirs = []string{"acpi", "asound", "bus", "driver", "fs", "irq", "scsi", "tty"}
)

// layout is what the root of every environment of one driver has in common.
func layout(network sandbox.Network, down walls.Set) (plan, error) {
	p := plan{
		Dirs: []string{"/dev", "/etc", "/opt", "/proc", "/tmp", "/var", "/var/task", "/var/runtime", "/var/empty"},
	}
	if err := p.addSystem(); err != nil {
		return plan{}, err
	}
	switch {
	case down.Has(walls.Root):
		p.addHost()
	default:
		if err := p.addConfig(network); err != nil {
			return plan{}, err
		}
	}
	if down.Has(walls.Dev) {
		p.Binds = append(p.Binds, bind{Source: "/dev", Target: "/dev", Device: true, Dir: true})
	} else {
		p.Links = append(p.Links,
			link{"/dev/fd", "/proc/self/fd"}, link{"/dev/stdin", "/proc/self/fd/0"},
			link{"/dev/stdout", "/proc/self/fd/1"}, link{"/dev/stderr", "/proc/self/fd/2"})
		for _, d := range devices {
			p.Binds = append(p.Binds, bind{Source: "/dev/" + d, Target: "/dev/" + d, Device: true})
		}
	}
	if down.Has(walls.PID) {
		p.Binds = append(p.Binds, bind{Source: "/proc", Target: "/proc", Writable: true, Dir: true})
	} else {
		p.Proc = true
		p.hideProc()
	}
	return p, nil
}

func (p *plan) addSystem() error {
	for _, dir := range systemDirs {
		info, err := os.Lstat(dir)
		switch {
		case os.IsNotExist(err):
		case err != nil:
			return fmt.Errorf("look at the host's system: %w", err)
		case info.Mode()&os.ModeSymlink != 0:
			to, err := os.Readlink(dir)
			if err != nil {
				return fmt.Errorf("look at the host's system: %w", err)
			}
			p.Links = append(p.Links, link{dir, to})
		case info.IsDir():
			p.addBind(dir, true)
		}
	}
	return nil
}

// addBind shows a path of the host inside under the same name.
func (p *plan) addBind(path string, dir bool) {
	for parent := filepath.Dir(path); parent != "/"; parent = filepath.Dir(parent) {
		if !slices.Contains(p.Dirs, parent) {
			p.Dirs = append(p.Dirs, parent)
		}
	}
	slices.SortFunc(p.Dirs, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	p.Binds = append(p.Binds, bind{Source: path, Target: path, Dir: dir})
}

func (p *plan) addConfig(network sandbox.Network) error {
	for _, pattern := range publicConfig {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("look at the host's configuration: %w", err)
		}
		for _, path := range found {
			info, err := os.Stat(path)
			if err != nil {
				continue // a dangling link
			}
			p.addBind(path, info.IsDir())
		}
	}
	resolver, hosts := "", "127.0.0.1 localhost\n::1 localhost\n"
	if network == sandbox.NetworkHost {
		// Names must resolve as they do on the host.
		b, err := os.ReadFile("/etc/resolv.conf")
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("look at the host's resolver: %w", err)
		}
		resolver = string(b)
		if b, err = os.ReadFile("/etc/hosts"); err == nil {
			hosts = string(b)
		}
	}
	p.Files = append(p.Files,
		file{"/etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\n" +
			fmt.Sprintf("sbx_user%d:x:%[1]d:%[1]d::/home/sbx_user%[1]d:/sbin/nologin\n", sandboxID) +
			"nobody:x:65534:65534:nobody:/:/sbin/nologin\n"},
		file{"/etc/group", fmt.Sprintf("root:x:0:\nsbx_user%d:x:%[1]d:\nnogroup:x:65534:\n", sandboxID)},
		file{"/etc/hosts", hosts},
		file{"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"},
		file{"/etc/resolv.conf", resolver},
	)
	return nil
}

// addHost shows what the root hides, for the test that takes this wall down.
func (p *plan) addHost() {
	for _, dir := range []string{"/etc", "/home", "/root", "/srv", "/mnt", "/run"} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			p.Binds = append(p.Binds, bind{Source: dir, Target: dir, Dir: true})
			if !slices.Contains(p.Dirs, dir) {
				p.Dirs = append(p.Dirs, dir)
			}
		}
	}
}

func (p *plan) hideProc() {
	exists := func(name string) bool { _, err := os.Lstat("/proc/" + name); return err == nil }
	for _, name := range hiddenFiles {
		if exists(name) {
			p.Hide = append(p.Hide, bind{Source: "/dev/null", Target: "/proc/" + name, Device: true})
		}
	}
	for _, name := range hiddenDirs {
		if exists(name) {
			p.Hide = append(p.Hide, bind{Source: "/var/empty", Target: "/proc/" + name, Dir: true})
		}
	}
	p.Hide = append(p.Hide, bind{Source: "/proc/sys", Target: "/proc/sys", Dir: true})
}
