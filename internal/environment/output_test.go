package environment

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// recorder is an output whose lines and events are kept in their order.
type recorder struct {
	*output
	pipe *io.PipeWriter
	seen []string
	wg   sync.WaitGroup
}

func record() *recorder {
	r := &recorder{}
	reader, writer := io.Pipe()
	r.pipe = writer
	r.output = newOutput(func(b []byte) { r.seen = append(r.seen, string(b)) }, func(token []byte) error {
		_, err := writer.Write(token)
		return err
	})
	r.wg.Go(func() { r.read(reader) })
	return r
}

func (r *recorder) print(s string)    { _, _ = io.WriteString(r.pipe, s) }
func (r *recorder) event(name string) { r.after(func() { r.seen = append(r.seen, "<"+name+">") }) }

func (r *recorder) end() []string {
	r.pipe.Close()
	r.wg.Wait()
	return r.seen
}

func TestEventsStandBetweenLines(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*recorder)
		want []string
	}{
		{"a line is given out without its newline", func(r *recorder) { r.print("a\nb\n") }, []string{"a", "b"}},
		{"a line may come in pieces", func(r *recorder) { r.print("a"); r.print("b"); r.print("\n") }, []string{"ab"}},
		{"the last line needs no newline", func(r *recorder) { r.print("a") }, []string{"a"}},
		{"an event comes behind what was printed before it", func(r *recorder) { r.print("a\n"); r.event("end"); r.print("b\n") }, []string{"a", "<end>", "b"}},
		{"an event ends a line that has no newline", func(r *recorder) { r.print("a"); r.event("end"); r.print("b\n") }, []string{"a", "<end>", "b"}},
		{"events keep their order", func(r *recorder) { r.event("1"); r.event("2"); r.event("3") }, []string{"<1>", "<2>", "<3>"}},
		{"NUL bytes are the function's to print", func(r *recorder) { r.print("\x00\x00x\n"); r.event("end") }, []string{"\x00\x00x", "<end>"}},
		{"a tenth event is not taken for a newline", func(r *recorder) {
			for range 11 {
				r.event("e")
			}
		}, slices.Repeat([]string{"<e>"}, 11)},
		{"an endless line is cut", func(r *recorder) { r.print(strings.Repeat("x", maxLine+100) + "\n") },
			[]string{strings.Repeat("x", maxLine), strings.Repeat("x", 100)}},
	} {
		r := record()
		tt.do(r)
		if got := r.end(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %.200q, want %.200q", tt.name, got, tt.want)
		}
	}
}

func TestEventAfterTheEndHappensAtOnce(t *testing.T) {
	r := record()
	r.end()
	r.event("late")
	if want := []string{"<late>"}; !slices.Equal(r.seen, want) {
		t.Errorf("%q, want %q", r.seen, want)
	}
}

func TestEventWhoseMarkIsLostHappensAtTheEnd(t *testing.T) {
	var seen []string
	o := newOutput(func(b []byte) { seen = append(seen, string(b)) }, func([]byte) error { return io.ErrClosedPipe })
	o.after(func() { seen = append(seen, "<end>") })
	o.read(strings.NewReader("a\n"))
	if want := []string{"a", "<end>"}; !slices.Equal(seen, want) {
		t.Errorf("%q, want %q", seen, want)
	}
}

// FuzzOutput holds that whatever a function prints comes out whole, whatever the
// sizes it is read in, and that an event splits it where it happened.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("a\nb"), []byte("c\n"))
	f.Add([]byte{0, 0}, []byte{0, 0, '\n'})
	f.Fuzz(func(t *testing.T, before, after []byte) {
		for _, slow := range []bool{false, true} {
			var pipe bytes.Buffer
			var lines [2][]byte
			part := 0
			o := newOutput(func(b []byte) { lines[part] = append(append(lines[part], b...), '\n') },
				func(token []byte) error { pipe.Write(token); return nil })
			pipe.Write(before)
			o.after(func() { part = 1 })
			pipe.Write(after)
			var r io.Reader = &pipe
			if slow {
				r = iotest.OneByteReader(r)
			}
			o.read(r)
			if part != 1 {
				t.Fatal("the event did not happen")
			}
			for i, in := range [][]byte{before, after} {
				want := in
				if len(in) > 0 && in[len(in)-1] != '\n' {
					want = append(bytes.Clone(in), '\n')
				}
				if len(in) <= maxLine && !bytes.Equal(lines[i], want) {
					t.Fatalf("part %d (slow: %v) is %q, want %q", i, slow, lines[i], want)
				}
			}
		}
	})
}
