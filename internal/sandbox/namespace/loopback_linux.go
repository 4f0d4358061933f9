package namespace

import "golang.org/x/sys/unix"

// runtimePort is Lambda's own. Source: AWS Lambda developer guide,
// configuration-envvars: AWS_LAMBDA_RUNTIME_API.
const runtimePort = 9001

// listenLoopback brings up the only interface of a new network namespace and
// listens on it for the Runtime API. Berth accepts what comes, from its own
// namespace: the socket stays where it was made.
func listenLoopback() (fd int, err error) {
	if err := loopbackUp(); err != nil {
		return -1, step("bring up the loopback interface", err)
	}
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, step("listen for the Runtime API", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: runtimePort, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, step("listen for the Runtime API", err)
	}
	return fd, step("listen for the Runtime API", unix.Listen(fd, 128))
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}
