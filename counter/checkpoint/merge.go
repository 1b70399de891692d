package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"headcount/counter"
	"headcount/events"
)

// source yields parts sorted by window, io.EOF after the last. A part is valid until the next call.
type source interface {
	next() (*counter.WindowDelta, error)
}

// deltaSource is what a delta holds of windows.
type deltaSource struct{ parts *counter.Parts }

func (d *deltaSource) next() (*counter.WindowDelta, error) {
	if w := d.parts.Next(); w != nil {
		return w, nil
	}
	return nil, io.EOF
}

// alive says whether a shard with that newest sealed month can still hold the window.
func alive(w counter.WindowID, sealed events.Month) bool {
	return w.Month > sealed || w.Late && w.Month == sealed
}

// merge puts out the windows of sources, oldest source first, that are alive. Of each source it holds one part, of the result
// one and a million facts: however large a window is.
func merge(out *segmentWriter, sources []source, sealed events.Month) error {
	heads := make([]*counter.WindowDelta, len(sources))
	advance := func(i int) (err error) {
		for {
			heads[i], err = sources[i].next()
			if errors.Is(err, io.EOF) {
				heads[i] = nil
				return nil
			}
			if err != nil || alive(heads[i].WindowID, sealed) {
				return err
			}
		}
	}
	w := mergers.Get().(*windowMerger)
	defer w.release()
	w.out = out
	for i := range sources {
		if err := advance(i); err != nil {
			return err
		}
	}
	for {
		least := -1
		for i, h := range heads {
			if h != nil && (least < 0 || compareWindows(h.WindowID, heads[least].WindowID) < 0) {
				least = i
			}
		}
		if least < 0 {
			return nil
		}
		w.begin(heads[least].WindowID)
		for i := least; i < len(heads); i++ {
			for heads[i] != nil && heads[i].WindowID == w.part.WindowID {
				if err := w.add(heads[i]); err != nil {
					return err
				}
				if err := advance(i); err != nil {
					return err
				}
			}
		}
		if err := w.finish(); err != nil {
			return err
		}
	}
}

// windowMerger gathers the parts of one window into fewer, and then those of the next.
type windowMerger struct {
	out       *segmentWriter
	part      counter.WindowDelta // fingerprints not yet put out
	started   bool                // fingerprints came by: from then on they follow each other
	facts     []counter.Fact      // not yet put out; many sorted together pack better than in the order they came in
	registers []counter.Register  // all of the window, put out at its end
	compacted int                 // of registers, those known to be without repeats
	totals    map[totalKey]counter.Total
	sorter    sorter
}

// mergers lends a merge the memory of one before.
var mergers = sync.Pool{New: func() any { return new(windowMerger) }}

// release gives the merger back, and holds on to nothing that was gathered but the room for it.
func (w *windowMerger) release() {
	*w = windowMerger{part: counter.WindowDelta{Fingerprints: w.part.Fingerprints[:0]}, facts: w.facts[:0], registers: w.registers[:0], sorter: w.sorter}
	mergers.Put(w)
}

// mostFacts is how many facts are held before they are put out.
const mostFacts = 1 << 20

func (w *windowMerger) begin(id counter.WindowID) {
	w.part = counter.WindowDelta{WindowID: id, Fingerprints: w.part.Fingerprints[:0]}
	w.started, w.facts, w.registers, w.compacted, w.totals = false, w.facts[:0], w.registers[:0], 0, nil
}

type totalKey struct {
	meter, source string
	day           events.Day
}

func (w *windowMerger) add(d *counter.WindowDelta) error {
	next := uint64(w.part.First) + uint64(len(w.part.Fingerprints))
	switch {
	case w.started && len(d.Fingerprints) > 0 && uint64(d.First) != next:
		return fmt.Errorf("app %q in %s: fingerprints from ordinal %d on, want %d: the deltas are not in order", d.App, d.Month, d.First, next)
	case !w.started:
		w.part.First = d.First
		w.started = len(d.Fingerprints) > 0
	}
	w.part.Counters = d.Counters
	for fps := d.Fingerprints; len(fps) > 0; {
		n := min(len(fps), maxPartFingerprints-len(w.part.Fingerprints))
		w.part.Fingerprints = append(w.part.Fingerprints, fps[:n]...)
		fps = fps[n:]
		if len(w.part.Fingerprints) == maxPartFingerprints {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	if room := cap(w.facts) - len(w.facts); room < len(d.Facts) {
		w.facts = slices.Grow(w.facts, max(len(d.Facts), len(w.facts))) // doubled: what append lets go of is several times what it keeps
	}
	w.facts = append(w.facts, d.Facts...)
	if len(w.facts) >= mostFacts {
		if err := w.flushFacts(0); err != nil {
			return err
		}
	}
	w.registers = append(w.registers, d.Registers...)
	if len(w.registers) > 2*w.compacted+4096 {
		w.registers = w.sorter.compactRegisters(w.registers)
		w.compacted = len(w.registers)
	}
	for _, t := range d.Totals {
		if w.totals == nil {
			w.totals = map[totalKey]counter.Total{}
		}
		w.totals[totalKey{t.Meter, t.Source, t.Day}] = t
	}
	return nil
}

// flushFacts puts out facts until at most so many are left, which are in part then, with the fingerprints gathered so far.
func (w *windowMerger) flushFacts(most int) error {
	facts := w.sorter.compactFacts(w.facts)
	for len(facts) > most {
		n := min(len(facts), maxPartFacts)
		w.part.Facts, facts = facts[:n], facts[n:]
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.part.Facts, w.facts = facts, w.facts[:0]
	return nil
}

// flush puts out the part gathered so far.
func (w *windowMerger) flush() error {
	if err := w.out.write(&w.part); err != nil {
		return fmt.Errorf("app %q in %s: %w", w.part.App, w.part.Month, err)
	}
	w.part.First += uint32(len(w.part.Fingerprints))
	w.part.Fingerprints = w.part.Fingerprints[:0]
	w.part.Facts, w.part.Registers, w.part.Totals = nil, nil, nil
	return nil
}

// finish puts out the window's last parts.
func (w *windowMerger) finish() error {
	if err := w.flushFacts(maxPartFacts); err != nil {
		return err
	}
	registers := w.sorter.compactRegisters(w.registers)
	for len(registers) > maxPartRegisters {
		w.part.Registers, registers = registers[:maxPartRegisters], registers[maxPartRegisters:]
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.part.Registers = registers
	totals := make([]counter.Total, 0, len(w.totals))
	for _, t := range w.totals {
		totals = append(totals, t)
	}
	slices.SortFunc(totals, compareTotals)
	for len(totals) > 0 {
		n, size := 0, 0
		for n < len(totals) && n < maxPartTotals && size < maxPartTotalBytes {
			size += len(totals[n].Meter) + len(totals[n].Source) + 32
			n++
		}
		w.part.Totals, totals = totals[:n], totals[n:]
		if len(totals) > 0 {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// checkWindows says what is wrong with the order of a delta's windows.
func checkWindows(windows []counter.WindowDelta) error {
	for i := 1; i < len(windows); i++ {
		if c := compareWindows(windows[i-1].WindowID, windows[i].WindowID); c >= 0 {
			return fmt.Errorf("window %d of the delta (app %q in %s) is out of order", i, windows[i].App, windows[i].Month)
		}
	}
	return nil
}
