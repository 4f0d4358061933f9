// Command serve is the examples' S3 on 127.0.0.1:9000.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/berthdev/berth/examples/internal/locals3"
)

func main() {
	address := flag.String("address", "127.0.0.1:9000", "where to listen")
	flag.Parse()
	if err := serve(*address); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func serve(address string) error {
	handler, err := locals3.New()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("S3 in memory at http://%s, bucket %s; Ctrl-C ends it\n", listener.Addr(), locals3.Bucket)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}
