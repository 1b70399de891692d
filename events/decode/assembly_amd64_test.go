//go:build !purego

package decode

import (
	"golang.org/x/sys/cpu"

	"headcount/endtoend/guard"
)

var routines = []guard.Routine{
	{Name: "findLayout", Runs: vectors, Needs: vectorNeeds},
	{Name: "indexQuotes", Runs: vectors, Needs: vectorNeeds},
	{Name: "findSkeleton", Runs: vectors, Needs: vectorNeeds},
}

var vectorNeeds = []guard.Feature{
	{Name: "avx512f", Has: cpu.X86.HasAVX512F}, {Name: "avx512bw", Has: cpu.X86.HasAVX512BW}, {Name: "avx512dq", Has: cpu.X86.HasAVX512DQ},
	{Name: "avx512vl", Has: cpu.X86.HasAVX512VL}, {Name: "avx512vbmi", Has: cpu.X86.HasAVX512VBMI},
	{Name: "avx512vbmi2", Has: cpu.X86.HasAVX512VBMI2}, {Name: "bmi2", Has: cpu.X86.HasBMI2}, {Name: "popcnt", Has: cpu.X86.HasPOPCNT},
}
