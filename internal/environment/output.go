package environment

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"io"
	"sync"
)

// maxLine is the longest log line; what goes on beyond it is a line of its own.
// Source: Amazon CloudWatch Logs user guide, cloudwatch_limits_cwl (size of a
// log event), 256 KB before 2025.
const maxLine = 256 << 10

// output reads what an environment writes, line by line, and lets the platform
// put its own events between the lines at exactly the place where they happened.
//
// For that it writes marks into the same pipe that the function writes to: a
// mark is read when everything that the function wrote before it has been read,
// and nothing that it wrote after. So END comes behind an invocation's last line
// and before the next one's first, and nobody waits or polls for it.
type output struct {
	line   func([]byte)       // takes one line, without its newline; it must not keep the bytes
	mark   func([]byte) error // puts bytes into the pipe
	prefix []byte             // what marks begin with; random, so that no function can write one

	writing sync.Mutex // held while a mark is written, so that marks stand in order

	mu     sync.Mutex // never held while a mark is written: the pipe may be full, and the reader needs mu
	seq    uint64
	events map[uint64]func()
	order  []uint64 // the marks that have not been read, oldest first
	closed bool     // the reader has returned
}

// A mark is the prefix and the event's number, 8 bytes.
const prefixBytes, markBytes = 34, 34 + 8

func newOutput(line func([]byte), mark func([]byte) error) *output {
	nonce := make([]byte, 16)
	rand.Read(nonce) // never fails
	prefix := append([]byte{0, 0}, hex.EncodeToString(nonce)...)
	return &output{line: line, mark: mark, prefix: prefix, events: map[uint64]func(){}}
}

// after calls event, on the reading goroutine, once every line that was written
// before this call has been taken. Events happen in the order of their calls.
// When the environment's output has ended, event is called at once.
func (o *output) after(event func()) {
	o.writing.Lock()
	defer o.writing.Unlock()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		event()
		return
	}
	o.seq++
	seq := o.seq
	o.events[seq] = event
	o.order = append(o.order, seq)
	o.mu.Unlock()
	token := binary.BigEndian.AppendUint64(bytes.Clone(o.prefix), seq)
	_ = o.mark(token) // a pipe that is closed has an end, where the event happens
}

// read takes lines and events until r ends; then it lets the events happen that
// are left, in their order.
func (o *output) read(r io.Reader) {
	chunk := make([]byte, 4<<10)
	var held []byte // bytes that were read and not yet taken: less than a line
	for {
		n, err := r.Read(chunk)
		held = o.take(append(held, chunk[:n]...))
		if n == len(chunk) && len(chunk) < 64<<10 {
			chunk = make([]byte, 2*len(chunk)) // a talkative function gets a larger buffer
		}
		if err != nil {
			break
		}
	}
	o.flush(held)

	o.mu.Lock()
	o.closed = true
	left := make([]func(), 0, len(o.order))
	for _, seq := range o.order {
		left = append(left, o.events[seq])
	}
	o.order, o.events = nil, nil
	o.mu.Unlock()
	for _, event := range left {
		event()
	}
}

// take hands out the lines and events in b and returns what is left: the
// beginning of a line, or of a mark.
func (o *output) take(b []byte) []byte {
	for {
		i := bytes.Index(b, o.prefix)
		if i < 0 {
			break
		}
		if len(b) < i+markBytes {
			return append(o.lines(b[:i:i]), b[i:]...)
		}
		o.flush(o.lines(b[:i]))
		o.happen(binary.BigEndian.Uint64(b[i+prefixBytes : i+markBytes]))
		b = b[i+markBytes:]
	}
	// The end of b may be the beginning of a mark; the prefix has no newline in
	// it, so it stays whole.
	return o.lines(b)
}

// lines hands out the whole lines of b and returns the rest.
func (o *output) lines(b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\n')
		switch {
		case i >= 0 && i <= maxLine:
			o.line(b[:i])
			b = b[i+1:]
		case i > maxLine || len(b) > maxLine+markBytes:
			o.line(b[:maxLine])
			b = b[maxLine:]
		default:
			return b
		}
	}
}

// flush hands out b, a line that has no newline yet.
func (o *output) flush(b []byte) {
	if len(b) > 0 {
		o.line(b)
	}
}

func (o *output) happen(seq uint64) {
	o.mu.Lock()
	event, known := o.events[seq]
	if known {
		delete(o.events, seq)
		o.order = o.order[1:]
	}
	o.mu.Unlock()
	if known {
		event()
	}
}
