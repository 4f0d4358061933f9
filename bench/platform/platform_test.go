package main

import (
	"bufio"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	beEcho()
	os.Exit(m.Run())
}

func TestEveryMeasureRuns(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it needs Linux's /proc")
	}
	var out strings.Builder
	if err := run(t.Context(), strings.Fields("-blocks 1 -n 5 -starts 1 -tenants 12 -calls 24"), &out); err != nil {
		t.Fatal(err)
	}
	for _, measure := range []string{
		"warm call, one client, p50", "CPU of Berth itself", "8 clients on 8 tenants", "a spare ready", "no spares",
		"until it serves", "resident memory", "12 new tenants", "memory for each idle tenant", "24 calls over 12 tenants",
	} {
		if !strings.Contains(out.String(), measure) {
			t.Errorf("the table has no %q:\n%s", measure, &out)
		}
	}
}

func TestClientReadsAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		fault  string // "" if the answer is good
	}{
		"the event":       {"HTTP/1.1 200 OK\r\ncontent-length: 75\r\nX: y\r\n\r\n" + event, ""},
		"another answer":  {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", "answered 200 null"},
		"a refusal":       {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}", "answered 429 {}"},
		"no length":       {"HTTP/1.1 200 OK\r\n\r\n", "without a length"},
		"half an answer":  {"HTTP/1.1 200 OK\r\nContent-Length: 75\r\n\r\n{", "EOF"},
		"no HTTP at all":  {"hello\r\n", "status line"},
		"a closed socket": {"", "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			c := &client{conn: here, in: bufio.NewReader(here)}
			defer c.close()
			c.become(peer{function: "Echo", tenants: true}, "alice")
			served := make(chan string, 1)
			go func() {
				b := make([]byte, 4096)
				n, _ := there.Read(b)
				_, _ = there.Write([]byte(tt.answer))
				there.Close()
				served <- string(b[:n])
			}()
			_, err := c.call()
			if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("error %v, want %q", err, tt.fault)
			}
			if request := <-served; !strings.Contains(request, "X-Amz-Tenant-Id: alice\r\n") || !strings.HasSuffix(request, "\r\n\r\n"+event) {
				t.Errorf("request %q", request)
			}
		})
	}
}
