//go:build linux && (amd64 || arm64)

package seccomp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in the kernel's struct seccomp_data. Source: seccomp(2).
const (
	nrOffset   = 0
	archOffset = 4
	argsOffset = 16
)

// Program assembles the list for this machine's architecture, in the form that
// [Install] takes. The result never changes: assemble once and keep it.
func Program(scope Scope) ([]byte, error) {
	raw, err := bpf.Assemble(assemble(scope.rules()))
	if err != nil {
		return nil, fmt.Errorf("assemble the seccomp filter: %w", err)
	}
	var out bytes.Buffer
	for _, r := range raw {
		if err := binary.Write(&out, binary.NativeEndian, unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}); err != nil {
			return nil, fmt.Errorf("assemble the seccomp filter: %w", err)
		}
	}
	return out.Bytes(), nil
}

var (
	allow    = bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	fallback = fail(unix.ENOSYS)
)

func fail(errno unix.Errno) bpf.RetConstant {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

// assemble turns rules into instructions. Calls of another architecture are
// refused before their number is looked at, since it would mean another call.
func assemble(rules map[uint32]rule) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch, SkipTrue: 1},
		fallback,
		bpf.LoadAbsolute{Off: nrOffset, Size: 4},
	}
	return append(program, search(runs(rules))...)
}

// A run is a row of numbers, from first up to the next run's, that all get one
// answer.
type run struct {
	first  uint32
	answer []bpf.Instruction
}

// runs cuts all numbers into as few runs as there can be: the kernel compiles the
// program for each environment anew, so it should be short.
func runs(rules map[uint32]rule) []run {
	out := []run{{0, []bpf.Instruction{fallback}}}
	add := func(first uint32, answer []bpf.Instruction) {
		last := &out[len(out)-1]
		switch {
		case slices.Equal(last.answer, answer):
		case last.first == first:
			last.answer = answer
		default:
			out = append(out, run{first, answer})
		}
	}
	for _, nr := range slices.Sorted(maps.Keys(rules)) {
		add(nr, rules[nr].answer())
		if _, ok := rules[nr+1]; !ok {
			add(nr+1, []bpf.Instruction{fallback})
		}
	}
	return out
}

// search finds the run of the number in the accumulator, by halving. Every way
// through what it returns ends in an answer, so nothing that comes behind can see
// an accumulator that holds something else by then.
func search(runs []run) []bpf.Instruction {
	if len(runs) == 1 {
		return runs[0].answer
	}
	half := len(runs) / 2
	lower, upper := search(runs[:half]), search(runs[half:])
	code := []bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: runs[half].first, SkipTrue: uint8(len(lower))}}
	if len(lower) > 255 { // further than that instruction jumps
		code = []bpf.Instruction{
			bpf.JumpIf{Cond: bpf.JumpLessThan, Val: runs[half].first, SkipTrue: 1},
			bpf.Jump{Skip: uint32(len(lower))},
		}
	}
	return append(append(code, lower...), upper...)
}

// answer tries one way after the other.
func (r rule) answer() []bpf.Instruction {
	var code []bpf.Instruction
	for _, way := range r.ways {
		var checks []bpf.Instruction
		for _, c := range slices.Backward(way) {
			checks = append(c.check(len(checks)+1), checks...)
		}
		code = append(append(code, checks...), allow)
		if len(way) == 0 {
			return code
		}
	}
	return append(code, fail(r.errno))
}

// check goes on if the condition holds, and else skips what is left of the way:
// so many instructions behind the check. BPF sees an argument as two halves.
func (c condition) check(left int) []bpf.Instruction {
	offset := uint32(argsOffset + 8*c.arg)
	low, high := offset, offset+4 // both architectures are little-endian
	half := func(offset, mask, value uint32, left int) []bpf.Instruction {
		if mask == 0 {
			return nil
		}
		return []bpf.Instruction{
			bpf.LoadAbsolute{Off: offset, Size: 4},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: value, SkipTrue: uint8(left)},
		}
	}
	second := half(high, uint32(c.mask>>32), uint32(c.value>>32), left)
	return append(half(low, uint32(c.mask), uint32(c.value), left+len(second)), second...)
}
