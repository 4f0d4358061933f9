//go:build !unix

package runtimeapi

import (
	"fmt"
	"io"
	"net"
)

// Dial connects to the Runtime API at address. Lambda runs functions on Linux;
// this is for those who develop elsewhere, where sockets are not files.
func Dial(address string, _ bool) (io.ReadWriteCloser, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return conn, nil
}
