package gateway

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Names are shown as the client wrote them, on every request of a connection, with
// and without a body between them, but for the two that AWS was seen to write in
// title case.
// Source: recorded events (test_lambda_aws_proxy_integration in LocalStack's
// snapshots).
func TestSpelling(t *testing.T) {
	fake := &fakeInvoker{}
	server := &http.Server{Handler: newTestREST(plainREST(), fake)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(KeepSpelling(server, listener)) }()
	defer func() {
		server.Close()
		<-served
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for i, tt := range []struct{ lines, body, want string }{
		{"tEsT-HEADeR: aValUE\r\nuser-agent: u\r\nAUTHORIZATION: a\r\n", "", "tEsT-HEADeR User-Agent Authorization"},
		{"x-lower: 1\r\ncontent-length: 14\r\n", "X-Lower: 2\r\n\r\n", "x-lower"},
		{"X-LOWER: 1\r\ncontent-TYPE: text/plain\r\n", "", "X-LOWER content-TYPE"},
		{"x-amz-TENANT-id: mallory\r\nx-forwarded-FOR: 203.0.113.9\r\n", "", "X-Forwarded-For"},
	} {
		fmt.Fprintf(conn, "POST /test HTTP/1.1\r\nhost: localhost\r\n%s\r\n%s", tt.lines, tt.body)
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		var event eventV1
		if err := json.Unmarshal(fake.invoked[i].Payload, &event); err != nil {
			t.Fatal(err)
		}
		for name := range strings.FieldsSeq(tt.want + " Host X-Forwarded-Proto") {
			if event.MultiValueHeaders[name] == nil || event.Headers[name] == "" {
				t.Errorf("request %d: no %s in %v", i, name, event.Headers)
			}
		}
		if n := len(strings.Fields(tt.want)); len(event.Headers) > n+5 {
			t.Errorf("request %d: %v", i, event.Headers)
		}
	}
}

// FuzzHeadReader holds that pieces don't matter, and that every name has the
// canonical form it stands under.
func FuzzHeadReader(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nhOst: x\r\na:b\nc : d\r\n\r\nE: f\r\n", 3)
	f.Add("\r\n\r\nGET\n:\n\n", 1)
	f.Add("GET\n0\r1:", 2) // the server refuses such a line
	f.Fuzz(func(t *testing.T, head string, size int) {
		var whole, pieces headReader
		whole.read([]byte(head))
		size = max(1, size%64)
		for rest := head; rest != ""; rest = rest[min(size, len(rest)):] {
			pieces.read([]byte(rest[:min(size, len(rest))]))
		}
		if !maps.Equal(whole.names, pieces.names) {
			t.Fatalf("%q whole, %q in pieces", whole.names, pieces.names)
		}
		for canonical, name := range whole.names {
			if http.CanonicalHeaderKey(name) != canonical || !strings.Contains(strings.ReplaceAll(head, "\r", ""), name) {
				t.Fatalf("%q under %q", name, canonical)
			}
		}
	})
}
