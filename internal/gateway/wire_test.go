package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Bytes on a raw connection, from clients that mean no good. What counts is which
// tenants were served: each by a request of its own, and never one that was only
// named inside another request's body or headers.
func TestRawConnections(t *testing.T) {
	const host = "Host: localhost\r\n"
	hidden := "GET /Prod?tenant-id=mallory HTTP/1.1\r\n" + host + "\r\n"
	many := strings.Repeat("X-A: bc\r\n", 10001)
	tests := []struct {
		name    string
		sent    string
		status  []int    // of the answers, in their order
		tenants []string // that were served
	}{
		{"one request", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "\r\n", []int{200}, []string{"alice"}},
		{"two at once", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "\r\nGET /Prod?tenant-id=bob HTTP/1.1\r\n" + host + "\r\n", []int{200, 200}, []string{"alice", "bob"}},
		{"a request in a body", fmt.Sprintf("POST /Prod?tenant-id=alice HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", host, len(hidden), hidden), []int{200}, []string{"alice"}},
		{"a request in a chunk", fmt.Sprintf("POST /Prod?tenant-id=alice HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", host, len(hidden), hidden), []int{200}, []string{"alice"}},
		{"a length beside chunks that ends earlier", fmt.Sprintf("POST /Prod?tenant-id=alice HTTP/1.1\r\n%sContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", host, len(hidden), hidden), []int{200}, []string{"alice"}},
		{"two lengths", "POST /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + hidden, []int{400}, nil},
		{"a length that is none", "POST /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "Content-Length: +60\r\n\r\n" + hidden, []int{400}, nil},
		{"an unknown coding", "POST /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, x\r\n\r\n" + hidden, []int{501}, nil},
		{"a space before the colon", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "X-Amz-Tenant-Id : mallory\r\n\r\n", []int{400}, nil},
		{"a folded header", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "X-A: b\r\n X-Amz-Tenant-Id: mallory\r\n\r\n", []int{200}, []string{"alice"}},
		{"a bare line feed", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "X-A: b\nX-Amz-Tenant-Id: mallory\r\n\r\n", []int{200}, []string{"alice"}},
		{"a NUL in a header", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "X-A: b\x00c\r\n\r\n", []int{400}, nil},
		{"no host", "GET /Prod?tenant-id=alice HTTP/1.1\r\n\r\n", []int{400}, nil},
		{"two hosts", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + host + "\r\n", []int{400}, nil},
		{"an absolute target", "GET http://localhost/Prod?tenant-id=alice HTTP/1.1\r\n" + host + "\r\n", []int{200}, []string{"alice"}},
		{"dots out of the stage", "GET /Prod/../Other?tenant-id=alice HTTP/1.1\r\n" + host + "\r\n", []int{200}, []string{"alice"}},
		{"dots into the stage", "GET /Other/../Prod?tenant-id=alice HTTP/1.1\r\n" + host + "\r\n", []int{403}, nil},
		{"10,001 headers", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + many + "\r\n", []int{431}, nil},
		{"one large header", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + "X-A: " + strings.Repeat("b", 10240) + "\r\n\r\n", []int{431}, nil},
		{"headers without end", "GET /Prod?tenant-id=alice HTTP/1.1\r\n" + host + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 1200), []int{431}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeInvoker{}
			server := &http.Server{Handler: newTestREST(tenantREST(), fake)}
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- server.Serve(KeepSpelling(server, listener)) }()
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				io.WriteString(conn, tt.sent) // the server may close before all is sent
				conn.(*net.TCPConn).CloseWrite()
			}()
			var status []int
			for answers := bufio.NewReader(conn); ; {
				answer, err := http.ReadResponse(answers, nil)
				if err != nil {
					break
				}
				status = append(status, answer.StatusCode)
				io.Copy(io.Discard, answer.Body)
			}
			conn.Close()
			server.Close()
			<-served
			var tenants []string
			for _, r := range fake.invoked {
				tenants = append(tenants, string(r.Tenant))
			}
			if !slices.Equal(status, tt.status) || !slices.Equal(tenants, tt.tenants) {
				t.Errorf("%v for %q, want %v for %q", status, tenants, tt.status, tt.tenants)
			}
		})
	}
}
