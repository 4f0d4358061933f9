package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/berthdev/berth/examples/internal/berthtest"
)

func TestInBerth(t *testing.T) {
	b := berthtest.Up(t, "..")

	t.Run("the rows", func(t *testing.T) {
		var out bytes.Buffer
		err := run(t.Context(), b.Service, "Table", `{"rows":4,"metres":2,"flushEach":2}`, &out)
		if want := "minute,metres\n0,1.000\n1,1.000\n2,1.000\n3,1.000\n"; err != nil || out.String() != want {
			t.Errorf("%s, %v; want %s", &out, err, want)
		}
	})

	t.Run("more than a buffered response holds", func(t *testing.T) {
		var size counter
		err := run(t.Context(), b.Service, "Table", `{"rows":600000,"metres":3.5}`, &size)
		if err != nil || size < 7<<20 {
			t.Errorf("%d bytes, %v", size, err)
		}
	})

	t.Run("an error before the first byte", func(t *testing.T) {
		err := run(t.Context(), b.Service, "Table", `{"rows":0}`, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "rows is a number from 1 to 5000000") {
			t.Errorf("error %v", err)
		}
	})

	t.Run("no such function", func(t *testing.T) {
		err := run(t.Context(), b.Service, "Nobody", `{}`, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
			t.Errorf("error %v", err)
		}
	})
}

// counter counts bytes and forgets them.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
