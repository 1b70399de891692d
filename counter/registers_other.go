//go:build purego || !amd64

package counter

var vectors = false

// lookAtRegisters finds out which of so many registers are as high as they would be raised, few of them in tables.
func (b *batch) lookAtRegisters(rises, few int) { b.lookPlain(rises, few) }
