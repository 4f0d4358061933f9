package isolation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What follows runs inside of sandboxes: the test binary is its own function.

// roleVar says which tenant's function this process is, and stepVar what it does.
const (
	roleVar   = "BERTH_PROBE"
	secretVar = "BERTH_PROBE_SECRET"
)

// target is what the attacker knows of the victim: more than a tenant ever would.
type target struct {
	Name       string // of its files and its socket
	Secret     string
	HostPID    int // in the host's numbers
	RuntimeAPI string
	Address    uintptr // of the secret in the victim's memory
	ShmID      int
	Tmp        string // a file in the victim's folder for temporary ones
	Home       string // of the user who runs Berth
}

// verdict is what became of an attack.
type verdict struct {
	Done bool   // the wall did not hold
	How  string // what was reached, or what was in the way
}

// probe returns at once outside of a sandbox, and never inside.
func probe() {
	role, ok := os.LookupEnv(roleVar)
	if !ok {
		return
	}
	var err error
	if name, ok := strings.CutPrefix(role, "victim "); ok {
		err = beVictim(name)
	} else {
		err = beAttacker(role)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// beVictim lays the secret out wherever a tenant keeps one, tells the test where,
// and stays until the test leaves.
func beVictim(name string) error {
	secret := []byte(os.Getenv(secretVar))
	t := target{Address: uintptr(unsafe.Pointer(&secret[0])), Tmp: filepath.Join(os.TempDir(), name)}
	// What the walls keep the victim itself from leaving is not there to be found.
	for _, path := range []string{t.Tmp, "/dev/shm/" + name} {
		_ = os.WriteFile(path, secret, 0o644)
		defer os.Remove(path) // for where the wall is down
	}
	if listener, err := net.Listen("unix", "@"+name); err == nil {
		defer listener.Close()
	}
	if id, err := unix.SysvShmGet(unix.IPC_PRIVATE, len(secret), unix.IPC_CREAT|0o666); err == nil {
		t.ShmID = id
		shared, err := unix.SysvShmAttach(id, 0, 0)
		if err != nil {
			return err
		}
		copy(shared, secret)
		// The segment must not outlive the test where its wall is down.
		if _, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil {
			return err
		}
	}

	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(conn).Encode(t); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	runtime.KeepAlive(secret)
	return err
}

// beAttacker asks the test for a target, tries the attack, and reports.
func beAttacker(attack string) error {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		return err
	}
	var t target
	if err := json.NewDecoder(conn).Decode(&t); err != nil {
		return err
	}
	how, err := attacks[attack](t)
	v := verdict{Done: err == nil, How: how}
	if err != nil {
		v.How = err.Error()
	}
	return json.NewEncoder(conn).Encode(v)
}

// attacks are what tenant B tries. An attack that succeeds returns no error, and
// one that finds something else than the secret has failed.
var attacks = map[string]func(target) (string, error){
	"tmp":         func(t target) (string, error) { return stolen(t, t.Tmp) },
	"dev-shm":     func(t target) (string, error) { return stolen(t, "/dev/shm/"+t.Name) },
	"proc":        seeProcess,
	"environ":     func(t target) (string, error) { return stolen(t, fmt.Sprintf("/proc/%d/environ", t.HostPID)) },
	"mem":         readMem,
	"vm-readv":    vmReadv,
	"ptrace":      attachTo,
	"signal":      func(t target) (string, error) { return "signalled", unix.Kill(t.HostPID, unix.SIGWINCH) },
	"runtime-api": callRuntimeAPI,
	"abstract":    dialAbstract,
	"sysv-shm":    attachShm,
	"home":        func(t target) (string, error) { return listed(t.Home) },
	"shadow":      func(target) (string, error) { return readable("/etc/shadow") },
	"task":        func(target) (string, error) { return written("/var/task/planted") },
	"root":        func(target) (string, error) { return written("/planted") },
	"usr":         func(target) (string, error) { return written("/usr/planted") },
	"user-ns":     userNamespace,
	"keyring":     addKey,
	"io-uring":    ioUring,
	"packet":      rawSocket,
	"mount":       func(target) (string, error) { return "mounted", unix.Mount("none", "/tmp", "tmpfs", 0, "") },
	"first":       func(target) (string, error) { return readable("/proc/1/status") },
	"sysrq":       func(target) (string, error) { return written("/proc/sysrq-trigger") },
	"kallsyms":    func(target) (string, error) { return readable("/proc/kallsyms") },
	"clock":       func(target) (string, error) { return "set", unix.Settimeofday(&unix.Timeval{Sec: time.Now().Unix()}) },
	"beyond":      beyond,
	"status":      status,
	"code":        func(target) (string, error) { return written("planted") },
	"limits":      limitOthers,
	"chmod":       changeMode,
	"udp":         sendDatagram,
}

func stolen(t target, path string) (string, error) {
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

func written(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return "", err
	}
	return path, f.Close()
}

func seeProcess(t target) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", t.HostPID))
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(b), "bootstrap") {
		return "", fmt.Errorf("process %d is another: %q", t.HostPID, b)
	}
	return string(b), nil
}

func readMem(t target) (string, error) {
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

func isSecret(t target, b []byte) (string, error) {
	if string(b) != t.Secret {
		return "", fmt.Errorf("found %q instead", b)
	}
	return "the secret", nil
}

func vmReadv(t target) (string, error) {
	b := make([]byte, len(t.Secret))
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	remote := []unix.RemoteIovec{{Base: t.Address, Len: len(b)}}
	if _, err := unix.ProcessVMReadv(t.HostPID, local, remote, 0); err != nil {
		return "", err
	}
	return isSecret(t, b)
}

func attachTo(t target) (string, error) {
	runtime.LockOSThread() // the kernel knows the thread
	if err := syscall.PtraceAttach(t.HostPID); err != nil {
		return "", err
	}
	if _, err := syscall.Wait4(t.HostPID, nil, syscall.WALL, nil); err != nil {
		return "", err
	}
	return "attached", syscall.PtraceDetach(t.HostPID)
}

// callRuntimeAPI calls the victim's address. Who answers says whose it is.
func callRuntimeAPI(t target) (string, error) {
	conn, err := net.DialTimeout("tcp", t.RuntimeAPI, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, `{"Secret":"who are you?"}`); err != nil {
		return "", err
	}
	b := make([]byte, len(t.Name))
	if _, err := io.ReadFull(conn, b); err != nil {
		return "", err
	}
	if string(b) != t.Name {
		return "", fmt.Errorf("%s is the attacker's own", t.RuntimeAPI)
	}
	return t.RuntimeAPI, nil
}

func dialAbstract(t target) (string, error) {
	conn, err := net.Dial("unix", "@"+t.Name)
	if err != nil {
		return "", err
	}
	return "@" + t.Name, conn.Close()
}

func attachShm(t target) (string, error) {
	shared, err := unix.SysvShmAttach(t.ShmID, 0, unix.SHM_RDONLY)
	if err != nil {
		return "", err
	}
	return isSecret(t, shared[:len(t.Secret)])
}

// userNamespace starts a child in a namespace in which it would be root.
func userNamespace(target) (string, error) {
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"child"}, &syscall.ProcAttr{
		Env: []string{roleVar + "=status"}, Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER},
	})
	if err != nil {
		return "", err
	}
	_, err = syscall.Wait4(pid, nil, 0, nil)
	return "a user namespace", err
}

func addKey(target) (string, error) {
	id, err := unix.AddKey("user", "berth-probe", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
	return fmt.Sprint("key ", id), err
}

func ioUring(target) (string, error) {
	var params [120]byte
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return "", errno
	}
	return "a ring", unix.Close(int(fd))
}

func rawSocket(target) (string, error) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)
	if err != nil {
		return "", err
	}
	return "a socket to the hypervisor", unix.Close(fd)
}

// beyond climbs out of the root by the descriptors and folders that are left.
func beyond(target) (string, error) {
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
func status(target) (string, error) {
	b, err := os.ReadFile("/proc/self/status")
	return string(b), err
}

// limitOthers takes the victim's right to open files.
func limitOthers(t target) (string, error) {
	var old unix.Rlimit
	if err := unix.Prlimit(t.HostPID, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		return "", err
	}
	return "its limits", unix.Prlimit(t.HostPID, unix.RLIMIT_NOFILE, &old, nil)
}

// changeMode changes its own program's mode to what it is.
func changeMode(target) (string, error) {
	return "the program's mode", os.Chmod("bootstrap", 0o755)
}

func sendDatagram(target) (string, error) {
	conn, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		return "", err
	}
	_, err = conn.Write([]byte("x"))
	return "a datagram", errors.Join(err, conn.Close())
}
