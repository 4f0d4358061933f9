// Command floor is the least that a Go function can do: a loop on one net.Conn
// that looks for two headers and a length. It handles no errors and no other
// server than the benchmark's; it shows how much of a library's cost is Go itself.
package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"strconv"

	"github.com/berthdev/berth/bench/twins/raw"
)

func main() {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		panic(err)
	}
	in := make([]byte, 64<<10)
	out := make([]byte, 0, 64<<10)
	next := []byte("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
	for {
		header, body := call(conn, next, in)
		id := value(header, "Lambda-Runtime-Aws-Request-Id: ")
		answer, err := raw.Handle(context.Background(), body)
		if err != nil {
			panic(err)
		}
		out = append(out[:0], "POST /2018-06-01/runtime/invocation/"...)
		out = append(out, id...)
		out = append(out, "/response HTTP/1.1\r\nHost: x\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(answer)), 10)
		out = append(out, "\r\n\r\n"...)
		out = append(out, answer...)
		call(conn, out, in)
	}
}

// call sends a request and reads the answer into buf.
func call(conn net.Conn, request, buf []byte) (header, body []byte) {
	if _, err := conn.Write(request); err != nil {
		panic(err)
	}
	for n := 0; ; {
		m, err := conn.Read(buf[n:])
		if err != nil {
			os.Exit(0)
		}
		n += m
		header, body, ok := bytes.Cut(buf[:n], []byte("\r\n\r\n"))
		if !ok {
			continue
		}
		length, err := strconv.Atoi(string(value(header, "Content-Length: ")))
		if err != nil {
			panic(err)
		}
		if len(body) == length {
			return header, body
		}
	}
}

func value(header []byte, name string) []byte {
	_, rest, _ := bytes.Cut(header, []byte(name))
	v, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return v
}
