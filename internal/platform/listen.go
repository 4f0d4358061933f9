package platform

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// AddressError is an address that can't be listened on.
type AddressError struct {
	Address string
	Flag    string // the one that changes it
	Err     error
	fix     string
}

func (e *AddressError) Error() string { return fmt.Sprintf("listen on %s: %v", e.Address, e.Err) }
func (e *AddressError) Unwrap() error { return e.Err }

// Hint is what to type instead.
func (e *AddressError) Hint() string { return e.fix }

// listen opens a listener on this machine's loopback. Any other address would
// let the whole network invoke functions: nothing here checks who calls.
func listen(address, flag string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &AddressError{Address: address, Flag: flag, Err: err, fix: flag + " 127.0.0.1:PORT"}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, &AddressError{Address: address, Flag: flag,
			Err: errors.New("only loopback addresses are served: requests are not authenticated yet"),
			fix: flag + " 127.0.0.1:" + port}
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &AddressError{Address: address, Flag: flag, Err: fmt.Errorf("port %s is taken by another program", port),
			fix: flag + " " + net.JoinHostPort(host, strconv.Itoa(freePort(host))) + " (a port that is free now)"}
	}
	if err != nil {
		return nil, &AddressError{Address: address, Flag: flag, Err: err, fix: flag + " 127.0.0.1:PORT"}
	}
	return listener, nil
}

// freePort is a port that nobody listens on at this moment; 0 if there is none.
func freePort(host string) int {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// nextPort is address with its port moved on by n. Port 0, any free one, stays.
func nextPort(address string, n int) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", &AddressError{Address: address, Flag: "--gateway", Err: err, fix: "--gateway 127.0.0.1:PORT"}
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", &AddressError{Address: address, Flag: "--gateway", Err: fmt.Errorf("%q is no port", port), fix: "--gateway 127.0.0.1:PORT"}
	}
	if number == 0 {
		n = 0
	}
	return net.JoinHostPort(host, strconv.Itoa(int(number)+n)), nil
}
