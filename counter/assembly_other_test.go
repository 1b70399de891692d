//go:build purego || !amd64

package counter

import "headcount/endtoend/guard"

var routines []guard.Routine
