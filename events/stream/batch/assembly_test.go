package batch

import (
	"testing"

	"headcount/endtoend/guard"
)

// TestAssembly says which assembly runs on this machine.
func TestAssembly(t *testing.T) {
	guard.Assembly(t, routines)
}
