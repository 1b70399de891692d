//go:build !purego

package batch

import (
	"golang.org/x/sys/cpu"

	"headcount/endtoend/guard"
)

var routines = []guard.Routine{
	{Name: "crcFold", Runs: wideProducts, Needs: []guard.Feature{
		{Name: "avx512f", Has: cpu.X86.HasAVX512F}, {Name: "avx512dq", Has: cpu.X86.HasAVX512DQ},
		{Name: "avx512vpclmulqdq", Has: cpu.X86.HasAVX512VPCLMULQDQ},
	}},
	{Name: "lz4Run", Runs: wideCopies, Needs: []guard.Feature{{Name: "avx2", Has: cpu.X86.HasAVX2}}},
	{Name: "findExtents", Runs: gathersBits, Needs: []guard.Feature{{Name: "bmi1", Has: cpu.X86.HasBMI1}, {Name: "bmi2", Has: cpu.X86.HasBMI2}}},
}
