//go:build unix

package output

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
)

func newPipe(t *testing.T) *Pipe {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Release() })
	return p
}

func TestMarkComesBehindWhatWasWritten(t *testing.T) {
	p := newPipe(t)
	if _, err := p.Writer().WriteString("line\n"); err != nil {
		t.Fatal(err)
	}
	if err := p.Mark([]byte("MARK")); err != nil {
		t.Fatal(err)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(p)
	if err != nil || string(got) != "line\nMARK" {
		t.Fatalf("read %q, %v", got, err)
	}
	if _, err := p.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a read after the end: %v, want io.EOF", err)
	}
	if err := p.Mark([]byte("late")); err == nil {
		t.Error("a mark after Release was taken")
	}
}

// A process that ran away keeps the writing end open: Release must end the
// reading all the same, and lose nothing that is in the pipe.
func TestReleaseEndsAReadThatAStrangerHoldsOpen(t *testing.T) {
	p := newPipe(t)
	fd, err := syscall.Dup(int(p.Writer().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	stranger := os.NewFile(uintptr(fd), "stranger")
	defer stranger.Close()

	type read struct {
		text string
		err  error
	}
	done := make(chan read)
	go func() {
		b, err := io.ReadAll(p)
		done <- read{string(b), err}
	}()
	text := strings.Repeat("x", 30_000)
	if _, err := stranger.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got.err != nil || got.text != text {
		t.Fatalf("read %d bytes, %v; want %d", len(got.text), got.err, len(text))
	}
}

func TestTheWriterBlocks(t *testing.T) {
	p := newPipe(t)
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, p.Writer().Fd(), syscall.F_GETFL, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	if flags&syscall.O_NONBLOCK != 0 {
		t.Error("the function would get a stdout that does not block")
	}
}

func TestAMarkIsShort(t *testing.T) {
	if err := newPipe(t).Mark(make([]byte, 513)); err == nil {
		t.Error("513 bytes were taken; they could be torn apart")
	}
}
