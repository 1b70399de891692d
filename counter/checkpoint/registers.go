package checkpoint

import (
	"encoding/binary"
	"fmt"
	"slices"

	"headcount/counter"
	"headcount/events"
)

// A register holds at most 64 − p + 1, which has six bits for every p ≥ 2.
const (
	maxRegisters     = 1 << 16
	maxRegisterValue = 1<<6 - 1
)

// appendRegisters encodes sorted registers, by kind.
func appendRegisters(b []byte, registers []counter.Register) ([]byte, error) {
	kinds := 0
	for i, r := range registers {
		if i == 0 || registers[i-1].Kind != r.Kind {
			kinds++
		}
		if r.Value > maxRegisterValue || r.Kind >= events.MaxKinds {
			return nil, fmt.Errorf("register %d of kind %d holds %d: out of the format's range", r.Index, r.Kind, r.Value)
		}
	}
	b = binary.AppendUvarint(b, uint64(kinds))
	for len(registers) > 0 {
		n := 1
		for n < len(registers) && registers[n].Kind == registers[0].Kind {
			n++
		}
		b = append(b, byte(registers[0].Kind))
		b = binary.AppendUvarint(b, uint64(n))
		previous := -1
		for _, r := range registers[:n] {
			b = binary.AppendUvarint(b, uint64(int(r.Index)-previous)<<6|uint64(r.Value))
			previous = int(r.Index)
		}
		registers = registers[n:]
	}
	return b, nil
}

func parseRegisters(c *cursor) []counter.Register {
	var registers []counter.Register
	previousKind := -1
	for range c.count(events.MaxKinds, 3) {
		kind := int(c.byte(events.MaxKinds - 1))
		n := c.count(maxPartRegisters, 1)
		if kind <= previousKind || n == 0 || len(registers)+n > maxPartRegisters {
			c.fail()
			return nil
		}
		previousKind = kind
		registers = slices.Grow(registers, n)
		at := -1
		for range n {
			v := c.uvarint(maxRegisters<<6 | maxRegisterValue)
			at += int(v >> 6)
			if v>>6 == 0 || at >= maxRegisters {
				c.fail()
				return nil
			}
			registers = append(registers, counter.Register{Kind: events.Kind(kind), Index: uint16(at), Value: uint8(v & maxRegisterValue)})
		}
	}
	if c.err != nil {
		return nil
	}
	return registers
}

// compactRegisters sorts registers by kind and index, and keeps the highest value of each, in place.
func (s *sorter) compactRegisters(registers []counter.Register) []counter.Register {
	keys := s.room(len(registers))
	for i, r := range registers {
		keys[i] = uint64(r.Kind)<<24 | uint64(r.Index)<<8 | uint64(^r.Value)
	}
	s.sort(keys)
	keys = slices.CompactFunc(keys, func(a, b uint64) bool { return a>>8 == b>>8 })
	for i, k := range keys {
		registers[i] = counter.Register{Kind: events.Kind(k >> 24), Index: uint16(k >> 8), Value: ^uint8(k)}
	}
	return registers[:len(keys)]
}
