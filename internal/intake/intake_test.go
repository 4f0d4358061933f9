package intake

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRead(t *testing.T) {
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		limit  int64
		want   string
		size   int64 // of a TooLargeError
	}{
		{"nothing", http.NoBody, 0, 5, "", 0},
		{"as large as it may be", strings.NewReader("12345"), 5, 5, "12345", 0},
		{"without a length", strings.NewReader("12345"), -1, 5, "12345", 0},
		{"one byte too many", strings.NewReader("123456"), 6, 5, "", 6},
		{"many too many, without a length", strings.NewReader(strings.Repeat("b", 1<<20)), -1, 5, "", 1 << 20},
		{"more than is counted", endless{}, -1, 5, "", 6 + drainLimit},
		{"more than is counted, announced", endless{}, 1 << 40, 5, "", 1 << 40},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Body, r.ContentLength = io.NopCloser(tt.body), tt.length
			got, err := Read(httptest.NewRecorder(), r, tt.limit)
			var tooLarge *TooLargeError
			if errors.As(err, &tooLarge) != (tt.size != 0) || tt.size != 0 && tooLarge.Size != tt.size {
				t.Fatalf("error %v, want a size of %d", err, tt.size)
			}
			if string(got) != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A client that stalls is given up, and one that sent its body is not hurried
// afterwards.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var readErr error
		var leftEarly bool
		listener := &pipeListener{conns: make(chan net.Conn)}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, readErr = Read(w, r, 100)
			if readErr == nil {
				time.Sleep(2 * Patience)
				leftEarly = r.Context().Err() != nil
			}
		})}
		go server.Serve(listener)
		defer server.Close()

		send := func(body string) net.Conn {
			here, there := net.Pipe()
			listener.conns <- there
			fmt.Fprintf(here, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n%s", body)
			return here
		}
		begin := time.Now()
		stalled := send("half")
		io.Copy(io.Discard, stalled) // until the server gives up
		stalled.Close()
		if !errors.Is(readErr, os.ErrDeadlineExceeded) || time.Since(begin) < Patience {
			t.Errorf("a stalled client: %v after %v", readErr, time.Since(begin))
		}

		whole := send("0123456789")
		if _, err := whole.Read(make([]byte, 512)); err != nil || readErr != nil || leftEarly {
			t.Errorf("a slow answer: %v, %v, the context ended: %v", err, readErr, leftEarly)
		}
		whole.Close()
		listener.Close()
	})
}

// pipeListener accepts what is put into conns.
type pipeListener struct{ conns chan net.Conn }

func (l *pipeListener) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *pipeListener) Close() error {
	select {
	case <-l.conns:
	default:
		close(l.conns)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
