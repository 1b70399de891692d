//go:build purego || !amd64

package batch

import "headcount/endtoend/guard"

var routines []guard.Routine
