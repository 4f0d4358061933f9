package probe

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Attack is what tenant B does, from inside of its environment.
func Attack(name string, t Target) Verdict {
	attack, ok := attacks[name]
	if !ok {
		return Verdict{How: fmt.Sprintf("there is no attack %q", name)}
	}
	how, err := attack(t)
	if err != nil {
		return Verdict{How: err.Error()}
	}
	return Verdict{Done: true, How: how}
}

// Settle is what tenant A does: it lays the secret out wherever a tenant may keep
// one. name is that of its file and its socket, which no other tenant may have.
// What the environment itself keeps A from leaving is not there to be found.
// leave takes away what can be, and must be called.
func Settle(name string, secret []byte) (t Target, leave func(), err error) {
	t = Target{
		Name: name, Secret: string(secret), Address: uintptr(unsafe.Pointer(&secret[0])),
		Tmp: filepath.Join(os.TempDir(), name), RuntimeAPI: os.Getenv("AWS_LAMBDA_RUNTIME_API"),
	}
	var undo []func()
	leave = func() {
		for _, f := range undo {
			f()
		}
		runtime.KeepAlive(secret)
	}
	for _, path := range []string{t.Tmp, "/dev/shm/" + name} {
		_ = os.WriteFile(path, secret, 0o644)
		undo = append(undo, func() { _ = os.Remove(path) }) // for where the wall is down
	}
	if listener, err := net.Listen("unix", "@"+name); err == nil {
		undo = append(undo, func() { _ = listener.Close() })
	}
	if id, err := unix.SysvShmGet(unix.IPC_PRIVATE, len(secret), unix.IPC_CREAT|0o666); err == nil {
		t.ShmID = id
		shared, err := unix.SysvShmAttach(id, 0, 0)
		if err != nil {
			return t, leave, fmt.Errorf("share memory: %w", err)
		}
		copy(shared, secret)
		// The segment must not outlive its tenant where its wall is down.
		if _, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil {
			return t, leave, fmt.Errorf("share memory: %w", err)
		}
	}
	return t, leave, nil
}

// attacks are what tenant B tries. An attack that succeeds returns no error, and
// one that finds something else than the secret has failed. None leaves anything
// behind or changes anything, since where no wall stands it happens to the machine.
var attacks = map[string]func(Target) (string, error){
	"tmp":         func(t Target) (string, error) { return stolen(t, t.Tmp) },
	"dev-shm":     func(t Target) (string, error) { return stolen(t, "/dev/shm/"+t.Name) },
	"proc":        seeProcess,
	"environ":     func(t Target) (string, error) { return stolen(t, fmt.Sprintf("/proc/%d/environ", t.HostPID)) },
	"mem":         readMem,
	"vm-readv":    vmReadv,
	"ptrace":      attachTo,
	"signal":      func(t Target) (string, error) { return "signalled", unix.Kill(t.HostPID, unix.SIGWINCH) },
	"runtime-api": callRuntimeAPI,
	"abstract":    dialAbstract,
	"sysv-shm":    attachShm,
	"home":        func(t Target) (string, error) { return listed(t.Home) },
	"shadow":      func(Target) (string, error) { return readable("/etc/shadow") },
	"task":        func(Target) (string, error) { return planted("/var/task") },
	"root":        func(Target) (string, error) { return planted("/") },
	"usr":         func(Target) (string, error) { return planted("/usr") },
	"user-ns":     userNamespace,
	"keyring":     addKey,
	"io-uring":    ioUring,
	"packet":      rawSocket,
	"mount":       mountFolder,
	"first":       func(Target) (string, error) { return readable("/proc/1/status") },
	"sysrq":       func(Target) (string, error) { return written("/proc/sysrq-trigger") },
	"kallsyms":    func(Target) (string, error) { return readable("/proc/kallsyms") },
	"clock":       setClock,
	"beyond":      beyond,
	"status":      status,
	"code":        func(Target) (string, error) { return planted(".") },
	"limits":      limitOthers,
	"chmod":       changeMode,
	"udp":         sendDatagram,
}

func stolen(t Target, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(b), t.Secret) {
		return "", fmt.Errorf("%s holds something else", path)
	}
	return path, nil
}

func readable(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(b) == 0 {
		return "", fmt.Errorf("%s is empty", path)
	}
	return path, err
}

func listed(dir string) (string, error) {
	_, err := os.ReadDir(dir)
	return dir, err
}

// written opens a file that is there, and writes nothing.
func written(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	return path, f.Close()
}

// planted makes a file of its own in a folder, and takes it away.
func planted(dir string) (string, error) {
	f, err := os.CreateTemp(dir, "berth-probe-")
	if err != nil {
		return "", err
	}
	return f.Name(), errors.Join(f.Close(), os.Remove(f.Name()))
}

// mountFolder mounts something at a folder of its own, and takes it away.
func mountFolder(Target) (string, error) {
	dir, err := os.MkdirTemp("", "berth-probe-")
	if err != nil {
		return "", err
	}
	defer os.Remove(dir)
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		return "", err
	}
	return dir, unix.Unmount(dir, unix.MNT_DETACH)
}

// setClock gives the clock the state that it has.
func setClock(Target) (string, error) {
	var now unix.Timex
	if _, err := unix.Adjtimex(&now); err != nil {
		return "", err
	}
	now.Modes = unix.ADJ_STATUS
	_, err := unix.Adjtimex(&now)
	return "the state of the clock", err
}

func seeProcess(t Target) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", t.HostPID))
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(b), "bootstrap") {
		return "", fmt.Errorf("process %d is another: %q", t.HostPID, b)
	}
	return string(b), nil
}

func readMem(t Target) (string, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", t.HostPID))
	if err != nil {
		return "", err
	}
	defer f.Close()
	b := make([]byte, len(t.Secret))
	if _, err := f.ReadAt(b, int64(t.Address)); err != nil {
		return "", err
	}
	return isSecret(t, b)
}

func isSecret(t Target, b []byte) (string, error) {
	if string(b) != t.Secret {
		return "", fmt.Errorf("found %q instead", b)
	}
	return "the secret", nil
}

func vmReadv(t Target) (string, error) {
	b := make([]byte, len(t.Secret))
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	remote := []unix.RemoteIovec{{Base: t.Address, Len: len(b)}}
	if _, err := unix.ProcessVMReadv(t.HostPID, local, remote, 0); err != nil {
		return "", err
	}
	return isSecret(t, b)
}

func attachTo(t Target) (string, error) {
	runtime.LockOSThread() // the kernel knows the thread
	if err := syscall.PtraceAttach(t.HostPID); err != nil {
		return "", err
	}
	if _, err := syscall.Wait4(t.HostPID, nil, syscall.WALL, nil); err != nil {
		return "", err
	}
	return "attached", syscall.PtraceDetach(t.HostPID)
}

// callRuntimeAPI calls the victim's address, which inside of its own network is
// the same for every tenant: only an address of somebody else's is reached.
func callRuntimeAPI(t Target) (string, error) {
	if t.RuntimeAPI == os.Getenv("AWS_LAMBDA_RUNTIME_API") {
		return "", fmt.Errorf("%s is the attacker's own", t.RuntimeAPI)
	}
	client := &http.Client{Timeout: time.Second}
	resp, err := client.Get("http://" + t.RuntimeAPI + "/2018-06-01/ping")
	if err != nil {
		return "", err
	}
	return t.RuntimeAPI, resp.Body.Close()
}

func dialAbstract(t Target) (string, error) {
	conn, err := net.Dial("unix", "@"+t.Name)
	if err != nil {
		return "", err
	}
	return "@" + t.Name, conn.Close()
}

func attachShm(t Target) (string, error) {
	shared, err := unix.SysvShmAttach(t.ShmID, 0, unix.SHM_RDONLY)
	if err != nil {
		return "", err
	}
	return isSecret(t, shared[:len(t.Secret)])
}

// userNamespace starts a child in a namespace in which it would be root.
func userNamespace(Target) (string, error) {
	pid, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER},
	})
	if err != nil {
		return "", err
	}
	_, err = syscall.Wait4(pid, nil, 0, nil)
	return "a user namespace", err
}

func addKey(Target) (string, error) {
	id, err := unix.AddKey("user", "berth-probe", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
	return fmt.Sprint("key ", id), err
}

func ioUring(Target) (string, error) {
	var params [120]byte
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return "", errno
	}
	return "a ring", unix.Close(int(fd))
}

func rawSocket(Target) (string, error) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)
	if err != nil {
		return "", err
	}
	return "a socket to the hypervisor", unix.Close(fd)
}

// beyond climbs out of the root by the descriptors and folders that are left.
func beyond(Target) (string, error) {
	for _, path := range []string{"/proc/self/cwd/../../../../home", "/../../host", "/proc/1/root/home", "/oldroot"} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "/proc/") || to == os.DevNull {
			continue
		}
		return "descriptor " + e.Name() + " is " + to, nil
	}
	return "", errors.New("no way out")
}

// status is no attack: it is what the kernel says of the attacker.
func status(Target) (string, error) {
	b, err := os.ReadFile("/proc/self/status")
	return string(b), err
}

// limitOthers takes the victim's right to open files.
func limitOthers(t Target) (string, error) {
	var old unix.Rlimit
	if err := unix.Prlimit(t.HostPID, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		return "", err
	}
	return "its limits", unix.Prlimit(t.HostPID, unix.RLIMIT_NOFILE, &old, nil)
}

// changeMode changes its own program's mode to what it is.
func changeMode(Target) (string, error) {
	return "the program's mode", os.Chmod("bootstrap", 0o755)
}

func sendDatagram(Target) (string, error) {
	conn, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		return "", err
	}
	_, err = conn.Write([]byte("x"))
	return "a datagram", errors.Join(err, conn.Close())
}
