package counter

import (
	"math"

	"headcount/events"
)

// Glance is what can be said of a shard at any time, cheaply: for whoever watches it, never for a bill.
type Glance struct {
	Apps         int          // windows of open months, and of what is late for the sealed one
	Devices      int          // of them, users of login among them
	Skewed       uint64       // events with a wrong device clock, since the shard was made
	Unknown      uint64       // records of unknown types, since the log's start
	InvalidSeals uint64       // control records that were not valid, since the log's start
	Sealed       events.Month // newest month sealed; 0: none
}

// Glance costs a look at each month, not at its windows.
func (s *Shard) Glance() Glance {
	g := Glance{Skewed: s.skewed, Unknown: s.state.Unknown, InvalidSeals: s.state.InvalidSeals, Sealed: s.state.Sealed}
	for _, in := range s.open {
		g.Apps, g.Devices = g.Apps+len(in.windows), g.Devices+in.devices
	}
	if s.late != nil {
		g.Apps, g.Devices = g.Apps+len(s.late.windows), g.Devices+s.late.devices
	}
	return g
}

// leastWitnessed is the least number of devices of a window whose witnesses are compared in passing: with fewer the difference says
// nothing.
const leastWitnessed = 1000

// Deviation is how far the two witnesses of the largest window that changed since the last cut lie apart, in standard errors of the
// sketch: the devices that its dictionary holds, and what its registers of all kinds together estimate. 0 where no window is large
// enough. It is an early look at what a close judges by all partitions together.
func (s *Shard) Deviation() float64 {
	var w *window
	for _, d := range s.dirty {
		if !d.Late && d.devices() >= leastWitnessed && (w == nil || d.devices() > w.devices()) {
			w = d
		}
	}
	if w == nil {
		return 0
	}
	all, one := make([]uint8, 1<<w.precision), make([]uint8, 1<<w.precision)
	for _, sk := range w.sketches {
		if sk != nil {
			clear(one)
			sk.registers(one)
			mergeRegisters(all, one)
		}
	}
	exact := float64(w.devices())
	sigma := 1.04 / math.Sqrt(float64(len(all)))
	return math.Abs(float64(Estimate(all))-exact) / (exact * sigma)
}
