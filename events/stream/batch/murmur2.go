package batch

import (
	"encoding/binary"

	"headcount/events"
)

// murmur2 hashes a key as the Java client does, so that a key goes to the same partition whoever sends it.
func murmur2(b []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

// PartitionOf is the partition that a key goes to, of n, as the Java client has it.
func PartitionOf(key []byte, n int) events.Partition {
	return events.Partition(murmur2(key)&0x7fffffff) % events.Partition(n)
}
