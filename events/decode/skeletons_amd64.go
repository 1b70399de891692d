//go:build !purego

package decode

import "golang.org/x/sys/cpu"

// vectors says whether the machine compares and compresses 64 bytes at once.
var vectors = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VBMI && cpu.X86.HasAVX512VBMI2 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

func (s *skeletons) index(b []byte, p *places) {
	if !vectors {
		p.n = unknownPlaces
		return
	}
	at, tag := findLayout(&b[0], len(b), &s.layouts)
	switch {
	case at >= 0:
		p.layout = s.layouts.known[at]
	case at == notPlain:
		p.n = noPlaces
	default:
		p.set, p.tag = -1-at, tag
		p.n = indexQuotes(&b[0], len(b), &p.at)
	}
}

func (s *skeletons) find(b []byte, p *places) int {
	switch p.n {
	case unknownPlaces:
		return s.findPlain(b, p)
	case noPlaces:
		return -1
	}
	return findSkeleton(&b[0], len(b), &s.known, &p.at, p.n)
}

// indexQuotes finds the quotes of a record of 1 to maxSkeleton bytes and returns how many there are; noPlaces: it is not plain, or
// has too many.
//
//go:noescape
func indexQuotes(b *byte, n int, at *[quoteSlots]uint16) int

// findSkeleton is findPlain over all that is known.
//
//go:noescape
func findSkeleton(b *byte, n int, known *[skeletonSlots]*skeleton, at *[quoteSlots]uint16, quotes int) int

// findLayout returns the place of the layout of a record of 1 to maxSkeleton bytes, and its tag. Where it is not known, -1 less the
// first place of the set that it would be in; notPlain: it has none.
//
//go:noescape
func findLayout(b *byte, n int, in *layouts) (at int, tag uint32)

const notPlain = -1 - layoutSets*layoutWays
