//go:build !purego

package identity

import (
	"golang.org/x/sys/cpu"

	"headcount/endtoend/guard"
)

var routines = []guard.Routine{
	{Name: "completeEights", Runs: cpu.X86.HasAES, Needs: []guard.Feature{{Name: "aes", Has: cpu.X86.HasAES}}},
	{Name: "hyphenatedVector", Runs: wide, Needs: vectorNeeds},
}

var vectorNeeds = []guard.Feature{
	{Name: "avx512f", Has: cpu.X86.HasAVX512F}, {Name: "avx512bw", Has: cpu.X86.HasAVX512BW},
	{Name: "avx512vl", Has: cpu.X86.HasAVX512VL}, {Name: "avx512vbmi", Has: cpu.X86.HasAVX512VBMI},
	{Name: "avx512vbmi2", Has: cpu.X86.HasAVX512VBMI2},
}
