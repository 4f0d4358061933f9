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
	return append(program, search(slices.Sorted(maps.Keys(rules)), rules)...)
}

// search finds the rule of the call whose number is in the accumulator, by
// halving. Every way through what it returns ends in an answer, so nothing that
// comes behind can see an accumulator that holds something else by then.
func search(numbers []uint32, rules map[uint32]rule) []bpf.Instruction {
	if len(numbers) == 1 {
		body := rules[numbers[0]].answer()
		code := []bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: numbers[0], SkipTrue: 1}, fallback}
		return append(code, body...)
	}
	half := len(numbers) / 2
	lower, upper := search(numbers[:half], rules), search(numbers[half:], rules)
	code := []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: numbers[half], SkipTrue: 1},
		bpf.Jump{Skip: uint32(len(lower))},
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
