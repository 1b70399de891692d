package events

import "golang.org/x/sys/cpu"

// vectors says whether the machine compares and compresses 64 bytes at once.
var vectors = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VBMI2 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

func (s *skeletons) find(b []byte) int {
	if vectors {
		return findSkeleton(&b[0], len(b), &s.known, &s.quotes)
	}
	return s.findPlain(b)
}

// findSkeleton is findPlain over all that is known, for records of 1 to maxSkeleton bytes.
//
//go:noescape
func findSkeleton(b *byte, n int, known *[skeletonSlots]*skeleton, quotes *[quoteSlots]uint16) int
