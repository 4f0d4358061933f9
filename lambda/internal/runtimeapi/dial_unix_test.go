//go:build unix

package runtimeapi

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	const hosts = `# a comment
127.0.0.1	localhost loopback # and another
::1		localhost ip6-localhost
not-an-ip	broken
192.0.2.7
2001:db8::7	six
`
	for name, want := range map[string]string{
		"localhost":     "127.0.0.1",
		"LocalHost":     "127.0.0.1",
		"loopback":      "127.0.0.1",
		"ip6-localhost": "::1",
		"six":           "2001:db8::7",
		"broken":        "",
		"and":           "",
		"":              "",
	} {
		ip, ok := lookup(hosts, name)
		if got := ip.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %s, %v; want %q", name, got, ok, want)
		}
	}
	if ip, ok := lookup("", "localhost"); !ok || !ip.IsLoopback() {
		t.Errorf("localhost without a hosts file is %s, %v", ip, ok)
	}
}

// Close must wake a Read on either kind of socket: it is how the runtime is ended
// while it waits for an invocation.
func TestCloseWakesRead(t *testing.T) {
	for _, concurrent := range []bool{false, true} {
		for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Logf("%s is not to be had here: %v", address, err)
				continue
			}
			defer l.Close()
			conn, err := Dial(l.Addr().String(), concurrent)
			if err != nil {
				t.Fatal(err)
			}
			peer, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			buf := make([]byte, 10)
			if _, err := peer.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if n, err := conn.Read(buf); n != 1 || err != nil {
				t.Fatalf("read %d, %v", n, err)
			}
			woken := make(chan error)
			go func() {
				_, err := conn.Read(buf)
				woken <- err
			}()
			if err := conn.Close(); err != nil {
				t.Errorf("Close said %v", err)
			}
			if err := <-woken; err == nil {
				t.Error("the read succeeded")
			}
			if n, err := peer.Read(buf); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("the other end read %d, %v", n, err)
			}
		}
	}
}

func TestDialSaysWhereItFailed(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	if _, err := Dial(address, false); err == nil || !strings.Contains(err.Error(), "connect to "+address) {
		t.Errorf("Dial said %v", err)
	}
}
