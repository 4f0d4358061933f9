// Package records is what the twins write that make their response as they go:
// 20 MiB in records of 1 KiB, for an HTTP client.
package records

import (
	"bytes"
	"io"

	"github.com/berthdev/berth/bench/twins/count"
	"github.com/berthdev/berth/bench/twins/stream"
)

var record = append(bytes.Repeat([]byte("0123456789abcdef"), 64)[:1023], '\n')

// Write makes the response's body.
func Write(w io.Writer, e stream.Event) error {
	if e.RawPath == "/heap" {
		_, err := io.WriteString(w, count.Heap())
		return err
	}
	for range stream.Size / len(record) {
		if _, err := w.Write(record); err != nil {
			return err
		}
	}
	return nil
}
