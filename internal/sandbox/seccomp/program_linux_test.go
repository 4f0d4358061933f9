//go:build linux && (amd64 || arm64)

package seccomp

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

var scopes = map[string]Scope{
	"namespaces":               {},
	"no namespaces":            {Shared: true},
	"no namespaces or network": {Shared: true, TCPOnly: true},
}

// run has a program judge a call, on the virtual machine of package bpf. That one
// reads numbers as the network does, so each word is laid down in that order.
func judge(t interface{ Fatal(...any) }, s Scope, arch, nr uint32, args [6]uint64) uint32 {
	vm, err := bpf.NewVM(assemble(s.rules()))
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[nrOffset:], nr)
	binary.BigEndian.PutUint32(data[archOffset:], arch)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[argsOffset+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[argsOffset+8*i+4:], uint32(a>>32))
	}
	verdict, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(verdict)
}

func TestVerdicts(t *testing.T) {
	const yes = unix.SECCOMP_RET_ALLOW
	no := func(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }
	own, shared, alone := Scope{}, Scope{Shared: true}, Scope{Shared: true, TCPOnly: true}
	for _, tt := range []struct {
		name  string
		scope Scope
		nr    uint32
		args  [6]uint64
		want  uint32
	}{
		{"read", own, unix.SYS_READ, [6]uint64{}, yes},
		{"mount", own, unix.SYS_MOUNT, [6]uint64{}, no(unix.EPERM)},
		{"a thread", own, unix.SYS_CLONE, [6]uint64{unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND}, yes},
		{"a user namespace", own, unix.SYS_CLONE, [6]uint64{unix.CLONE_NEWUSER | 17}, no(unix.EPERM)},
		{"one hidden among other flags", own, unix.SYS_CLONE, [6]uint64{1<<40 | unix.CLONE_VM | unix.CLONE_NEWNET}, no(unix.EPERM)},
		{"clone3, whose flags can't be seen", own, unix.SYS_CLONE3, [6]uint64{}, no(unix.ENOSYS)},
		{"a call that does not exist yet", own, 4000, [6]uint64{}, no(unix.ENOSYS)},
		{"a local socket", own, unix.SYS_SOCKET, [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM}, yes},
		{"a socket to the hypervisor", own, unix.SYS_SOCKET, [6]uint64{unix.AF_VSOCK, unix.SOCK_STREAM}, no(unix.EAFNOSUPPORT)},
		{"a family beyond 32 bits", own, unix.SYS_SOCKET, [6]uint64{1<<32 | unix.AF_UNIX}, no(unix.EAFNOSUPPORT)},
		{"netlink about routes", own, unix.SYS_SOCKET, [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, yes},
		{"netlink about audit", own, unix.SYS_SOCKET, [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}, no(unix.EAFNOSUPPORT)},
		{"a family that is the number of read", own, unix.SYS_SOCKET, [6]uint64{unix.SYS_READ + 50}, no(unix.EAFNOSUPPORT)},
		{"limits of others, behind a pid namespace", own, unix.SYS_PRLIMIT64, [6]uint64{4711}, yes},
		{"limits of others", shared, unix.SYS_PRLIMIT64, [6]uint64{4711}, no(unix.EPERM)},
		{"limits of its own", shared, unix.SYS_PRLIMIT64, [6]uint64{0}, yes},
		{"another's priority, with the number of a call", shared, unix.SYS_SETPRIORITY, [6]uint64{0, unix.SYS_PRLIMIT64}, no(unix.EPERM)},
		{"a local socket, with the host's", shared, unix.SYS_SOCKET, [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM}, no(unix.EAFNOSUPPORT)},
		{"UDP, with the host's network", shared, unix.SYS_SOCKET, [6]uint64{unix.AF_INET, unix.SOCK_DGRAM}, yes},
		{"UDP, where only TCP is walled", alone, unix.SYS_SOCKET, [6]uint64{unix.AF_INET, unix.SOCK_DGRAM}, no(unix.EAFNOSUPPORT)},
		{"TCP there", alone, unix.SYS_SOCKET, [6]uint64{unix.AF_INET6, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK, unix.IPPROTO_TCP}, yes},
		{"multipath TCP there", alone, unix.SYS_SOCKET, [6]uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, no(unix.EAFNOSUPPORT)},
		{"a file's times by descriptor", shared, unix.SYS_UTIMENSAT, [6]uint64{3, 0}, yes},
		{"a file's times by path", shared, unix.SYS_UTIMENSAT, [6]uint64{3, 0x7fff0000}, no(unix.EPERM)},
		{"a key", own, unix.SYS_ADD_KEY, [6]uint64{}, no(unix.EPERM)},
	} {
		if got := judge(t, tt.scope, auditArch, tt.nr, tt.args); got != tt.want {
			t.Errorf("%s: verdict %#x, want %#x", tt.name, got, tt.want)
		}
	}
}

// The program says what the rules say, whatever the call: jumps, halves of
// arguments and all.
func TestTheProgramIsItsRules(t *testing.T) {
	for name, scope := range scopes {
		t.Run(name, func(t *testing.T) {
			rules := scope.rules()
			numbers := slices.Concat(allowed, refused, onSelf, []uint32{unix.SYS_SOCKET, unix.SYS_CLONE, unix.SYS_PERSONALITY})
			rapid.Check(t, func(t *rapid.T) {
				nr := rapid.OneOf(rapid.SampledFrom(numbers), rapid.Uint32Max(600), rapid.Uint32()).Draw(t, "nr")
				var args [6]uint64
				for i := range args {
					args[i] = rapid.OneOf(rapid.Uint64Max(20), rapid.Uint64(), rapid.Map(rapid.SampledFrom(numbers), func(n uint32) uint64 { return uint64(n) })).Draw(t, "argument")
				}
				if got, want := judge(t, scope, auditArch, nr, args), rules[nr].judge(nr, rules, args); got != want {
					t.Fatalf("call %d: verdict %#x, want %#x", nr, got, want)
				}
				if got := judge(t, scope, unix.AUDIT_ARCH_I386, nr, args); got != fallback.Val {
					t.Fatalf("call %d of the 32-bit ABI: verdict %#x", nr, got)
				}
			})
		})
	}
}

// judge is the rule, read by a person.
func (r rule) judge(nr uint32, rules map[uint32]rule, args [6]uint64) uint32 {
	if _, ok := rules[nr]; !ok {
		return fallback.Val
	}
	for _, way := range r.ways {
		if !slices.ContainsFunc(way, func(c condition) bool { return args[c.arg]&c.mask != c.value }) {
			return allow.Val
		}
	}
	return fail(r.errno).Val
}

func TestNoCallStandsTwice(t *testing.T) {
	all := slices.Concat(allowed, refused, []uint32{unix.SYS_SOCKET, unix.SYS_CLONE, unix.SYS_PERSONALITY})
	slices.Sort(all)
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			t.Errorf("call %d is in the lists twice", all[i])
		}
	}
	for _, nr := range slices.Concat(byPath, queues, onSelf) {
		if !slices.Contains(allowed, nr) {
			t.Errorf("call %d is taken away, and was never allowed", nr)
		}
	}
}

func TestProgramFitsTheKernel(t *testing.T) {
	for name, scope := range scopes {
		p, err := Program(scope)
		if err != nil {
			t.Fatal(name, err)
		}
		if n := len(p) / 8; len(p)%8 != 0 || n < 100 || n > unix.BPF_MAXINSNS {
			t.Errorf("%s: %d bytes are %d instructions", name, len(p), n)
		}
	}
}

func TestInstallRefusesWhatIsNoProgram(t *testing.T) {
	for _, p := range [][]byte{nil, {}, make([]byte, 7), make([]byte, 8*(unix.BPF_MAXINSNS+1))} {
		if err := Install(p); err == nil {
			t.Errorf("%d bytes were installed", len(p))
		}
	}
}

func BenchmarkProgram(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Program(Scope{}); err != nil {
			b.Fatal(err)
		}
	}
}
