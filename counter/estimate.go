package counter

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/axiomhq/hyperloglog"
)

// Estimate returns how many elements registers, 2^p of them with p from 4 to 16, stand for; none: 0. It panics on what no
// sketch can hold: see ValidRegisters.
func Estimate(registers []uint8) uint64 {
	if len(registers) == 0 {
		return 0
	}
	if err := ValidRegisters(registers); err != nil {
		panic("counter: " + err.Error())
	}
	n := len(registers)
	// The library's own encoding, version 2, of a sketch without the sparse form.
	b := make([]byte, 0, 8+n)
	b = append(b, 2, uint8(bits.TrailingZeros(uint(n))), 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	var s hyperloglog.Sketch
	if err := s.UnmarshalBinary(append(b, registers...)); err != nil {
		panic("counter: estimate: " + err.Error())
	}
	return s.Estimate()
}

// Registers are read eight at a time: those of small apps are zeros, nearly all.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// ValidRegisters says what is wrong with registers: their number, or a value that cannot be.
func ValidRegisters(registers []uint8) error {
	p := bits.TrailingZeros(uint(len(registers)))
	if len(registers) != 1<<p || p < 4 || p > 16 {
		return fmt.Errorf("%d registers: want 2^4 to 2^16", len(registers))
	}
	highest := maxRegister(uint8(p))
	for i := 0; i < len(registers); i += 8 {
		eight := binary.LittleEndian.Uint64(registers[i:])
		if eight == 0 || (eight|(eight&^highs+uint64(127-highest)*ones))&highs == 0 {
			continue
		}
		for j, v := range registers[i : i+8] {
			if v > highest {
				return fmt.Errorf("register %d of %d holds %d, at most %d is possible", i+j, len(registers), v, highest)
			}
		}
	}
	return nil
}

// mergeRegisters makes each register at least that of from. Both are as many, and valid.
func mergeRegisters(into, from []uint8) {
	for i := 0; i < len(from); i += 8 {
		b := binary.LittleEndian.Uint64(from[i:])
		if b == 0 {
			continue
		}
		a := binary.LittleEndian.Uint64(into[i:])
		keep := ((a | highs) - b) & highs >> 7 * 0xff // bytes of a that are at least those of b; none reaches 128
		binary.LittleEndian.PutUint64(into[i:], a&keep|b&^keep)
	}
}
