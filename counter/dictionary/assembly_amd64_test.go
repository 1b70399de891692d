//go:build !purego

package dictionary

import (
	"golang.org/x/sys/cpu"

	"headcount/endtoend/guard"
)

var routines = func() (all []guard.Routine) {
	needs := []guard.Feature{
		{Name: "avx512f", Has: cpu.X86.HasAVX512F}, {Name: "bmi1", Has: cpu.X86.HasBMI1}, {Name: "bmi2", Has: cpu.X86.HasBMI2},
	}
	for _, name := range []string{"askForSlots", "seekEntries", "lookAtEntries"} {
		all = append(all, guard.Routine{Name: name, Runs: vectors, Needs: needs})
	}
	return all
}()
