//go:build purego || !amd64

package stream

import "headcount/events/guard"

var routines []guard.Routine
