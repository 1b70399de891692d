//go:build !purego

package identity

import "golang.org/x/sys/cpu"

// wide says whether the machine compares and compresses 64 bytes at once.
var wide = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VBMI && cpu.X86.HasAVX512VBMI2

// parseHyphenated reads the form 8-4-4-4-12.
func parseHyphenated(u *[16]byte, g []byte) bool {
	if !wide {
		return hyphenatedPlain(u, g)
	}
	_ = g[35]
	return hyphenatedVector(u, &g[0])
}

// hyphenatedVector is hyphenatedPlain, all digits at once.
//
//go:noescape
func hyphenatedVector(u *[16]byte, text *byte) bool
