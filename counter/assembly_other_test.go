//go:build purego || !amd64

package counter

import "headcount/events/guard"

var routines []guard.Routine

var vectors = false
