//go:build !purego

package counter

import (
	"golang.org/x/sys/cpu"

	"headcount/endtoend/guard"
)

var routines = func() (all []guard.Routine) {
	needs := []guard.Feature{{Name: "avx512f", Has: cpu.X86.HasAVX512F}}
	for _, name := range []string{"lookAtDense", "lookAtFew"} {
		all = append(all, guard.Routine{Name: name, Runs: vectors, Needs: needs})
	}
	return all
}()
