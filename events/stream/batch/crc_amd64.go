//go:build !purego

package batch

import (
	"hash/crc32"

	"golang.org/x/sys/cpu"
)

// crcBlock is what crcFold takes at once.
const crcBlock = 256

// wideProducts says whether the machine multiplies eight polynomials at once.
var wideProducts = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VPCLMULQDQ

// crcFactors move 16 bytes on by a whole block, by 64 bytes, and each lane of 64 bytes to the last one.
var crcFactors = func() (f [12]uint64) {
	for i, bytes := range []int{crcBlock, 64, 48, 32, 16} {
		f[2*i], f[2*i+1] = crcFactor(8*bytes+64), crcFactor(8*bytes)
	}
	return f
}()

// crcFactor is what a product of 64 bits, of which the lowest is the highest power, must have as a factor to be moved on by so many
// bits: such a product is one power short.
func crcFactor(bits int) uint64 {
	x := uint32(1 << 31) // 1
	for range bits - 1 {
		x = x>>1 ^ crc32.Castagnoli&-(x&1)
	}
	return uint64(x) << 32
}

// castagnoliSum is the CRC-32C of b. Many bytes are folded into 16 that have the same, as in "Fast CRC Computation for Generic
// Polynomials Using PCLMULQDQ Instruction" (Intel, 2009).
func castagnoliSum(b []byte) uint32 {
	n := len(b) &^ (crcBlock - 1)
	if !wideProducts || n == 0 {
		return crc32.Checksum(b, castagnoli)
	}
	var rest [16]byte
	crcFold(&b[0], n, &crcFactors, &rest)
	const nothingBefore = 0xffffffff // of rest: what comes before all of b is in it
	return crc32.Update(crc32.Update(nothingBefore, castagnoli, rest[:]), castagnoli, b[n:])
}

// crcFold makes 16 bytes of the n bytes at p, whole blocks and at least one.
//
//go:noescape
func crcFold(p *byte, n int, factors *[12]uint64, rest *[16]byte)
