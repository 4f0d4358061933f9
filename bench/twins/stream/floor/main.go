// Command floor is the least that a Go function can do to stream: it writes the
// same chunk again and again to one net.Conn, and makes no copy of its own. It
// handles no errors and no other server than the benchmark's; it shows how much
// of a stream's cost is the kernel's.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"

	"github.com/berthdev/berth/bench/twins/count"
	"github.com/berthdev/berth/bench/twins/stream"
)

const chunk = 64 << 10

func main() {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		panic(err)
	}
	piece := append(append(fmt.Appendf(nil, "%x\r\n", chunk), bytes.Repeat([]byte("0123456789abcdef"), chunk/16)...), "\r\n"...)
	in := make([]byte, 64<<10)
	for {
		event := call(conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n", in)
		send(conn, "POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: x\r\n"+
			"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n")
		if bytes.Contains(event, []byte("/heap")) {
			heap := count.Heap()
			send(conn, fmt.Sprintf("%x\r\n%s\r\n", len(heap), heap))
		} else {
			for range stream.Size / chunk {
				if _, err := conn.Write(piece); err != nil {
					os.Exit(0)
				}
			}
		}
		call(conn, "0\r\n\r\n", in)
	}
}

func send(conn net.Conn, s string) {
	if _, err := conn.Write([]byte(s)); err != nil {
		os.Exit(0)
	}
}

// call sends the end of a request and returns the answer, which is small.
func call(conn net.Conn, s string, buf []byte) []byte {
	send(conn, s)
	n, err := conn.Read(buf)
	if err != nil {
		os.Exit(0)
	}
	return buf[:n]
}
