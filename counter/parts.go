package counter

import (
	"headcount/counter/dictionary"
	"headcount/events/identity"
)

// fresh is what Cut hands over of a window without copying it: fingerprints that lie in a dictionary, where they stay as they
// are while it grows, and facts in the runs and blocks in which they were noted.
type fresh struct {
	prints dictionary.Tail
	facts  [][]Fact // in no run
	runs   []run
	all    uint32 // devices of the window
}

// A part holds so many fingerprints and facts of runs at most.
const (
	partPrints = 8192
	partFacts  = 65536
)

// Parts reads what a delta holds of windows, in parts of bounded size.
type Parts struct {
	windows []WindowDelta
	part    WindowDelta
	prints  []identity.Fingerprint
	given   uint32 // fingerprints of the window
	facts   factReader
}

// Parts returns a reader of d's windows. The parts of a window follow each other, in the order in which they are applied.
func (d *Delta) Parts() *Parts { return &Parts{windows: d.Windows} }

// Next returns the next part, nil after the last. It is valid until the next call, and not to be changed.
func (p *Parts) Next() *WindowDelta {
	if len(p.windows) == 0 {
		return nil
	}
	w := &p.windows[0]
	if w.fresh == nil {
		p.windows = p.windows[1:]
		return w
	}
	p.part = WindowDelta{WindowID: w.WindowID, First: w.First + p.given, Counters: w.Counters}
	switch f := w.fresh; {
	case len(w.Fingerprints) > int(p.given): // few: of a flat window
		p.part.Fingerprints = w.Fingerprints
		p.given = uint32(len(w.Fingerprints))
	case p.given < f.prints.Len():
		p.prints = f.prints.Copy(p.prints[:0], p.given, partPrints)
		p.part.Fingerprints = p.prints
		p.given += uint32(len(p.part.Fingerprints))
	default:
		if p.facts.of != f {
			p.facts.begin(f)
		}
		if p.part.Facts = p.facts.next(); len(p.part.Facts) == 0 {
			p.part.Registers, p.part.Totals = w.Registers, w.Totals
			p.windows, p.given = p.windows[1:], 0
		}
	}
	return &p.part
}

// factsPerBlock is how many facts are noted before another block is begun, so that nothing is copied as they grow to many.
const factsPerBlock = 8192

// note keeps a fact for the next cut.
func (w *window) note(f Fact) {
	if len(w.facts) == factsPerBlock {
		w.noted = append(w.noted, w.facts)
		w.facts = make([]Fact, 0, factsPerBlock)
	}
	w.facts = append(w.facts, f)
}

// takeFacts moves what was noted, and the fingerprints since the last cut, to d. Little is given as it is.
func (w *window) takeFacts(d *WindowDelta) {
	n := w.devices()
	var runs []run
	if w.large != nil {
		runs = w.large.takeRuns()
	} else if w.cut < n {
		d.Fingerprints = w.flat.prints[w.cut:n:n]
	}
	if len(w.noted)+len(runs) == 0 && (w.flat != nil || w.cut == n) {
		d.Facts = w.facts
		return
	}
	d.fresh = &fresh{facts: w.noted, runs: runs, all: n}
	if len(w.facts) > 0 {
		d.fresh.facts = append(d.fresh.facts, w.facts)
	}
	if l := w.large; l != nil && w.cut < n {
		d.fresh.prints = l.Tail(w.cut)
	}
}
