package counter

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"headcount/events/identity"
)

// Cut returns all that is new since the last cut, in time proportional to the number of windows that changed: what is new of
// them stays where it is, and is read by Parts. The delta shares nothing with the shard that will change: it can be encoded
// while counting goes on.
func (s *Shard) Cut(pos Position) *Delta {
	slices.SortFunc(s.dirty, func(a, b *window) int { return compareWindows(a.WindowID, b.WindowID) })
	slices.Sort(s.dropped)
	d := &Delta{
		Partition: s.id.Partition, Position: pos, State: s.State(),
		Windows: make([]WindowDelta, len(s.dirty)), Dropped: slices.Compact(s.dropped),
	}
	for i, w := range s.dirty {
		d.Windows[i] = w.takeNew()
	}
	clear(s.dirty)
	s.dirty, s.dropped = s.dirty[:0], nil
	return d
}

func (w *window) takeNew() WindowDelta {
	d := WindowDelta{WindowID: w.WindowID, First: w.cut, Registers: w.risen, Counters: w.counters}
	w.takeFacts(&d)
	slices.SortFunc(w.moved, compareKeys)
	for _, k := range slices.Compact(w.moved) {
		d.Totals = append(d.Totals, w.reported.standing(k.meter, k.source, k.day))
	}
	w.markCut()
	return d
}

// markCut says that a cut has all there is: nothing is new.
func (w *window) markCut() {
	w.dirty, w.cut, w.facts, w.noted, w.risen, w.moved = false, w.devices(), nil, nil, nil, nil
	if w.large != nil {
		w.large.takeRuns()
	}
}

// Absorb applies a delta to a shard that has counted nothing: in order, a shard's deltas make the same shard again, and Ready ends
// it. They validate what is applied; after an error the shard is of no use any more.
func (s *Shard) Absorb(d *Delta) error {
	if d.Partition != s.id.Partition {
		return fmt.Errorf("the delta is of partition %d, the shard of partition %d", d.Partition, s.id.Partition)
	}
	if len(s.dirty) > 0 {
		return errors.New("the shard has counted already: deltas restore an empty one")
	}
	if d.State.Sealed < s.state.Sealed || d.State.Records < s.state.Records {
		return fmt.Errorf("the delta ends after %d records with %s sealed, the one before after %d with %s: they are not in order", d.State.Records, d.State.Sealed, s.state.Records, s.state.Sealed)
	}
	if s.state.Sealed != d.State.Sealed {
		s.late = nil
	}
	s.state = d.State
	s.state.Apps = maps.Clone(d.State.Apps)
	if s.state.Apps == nil {
		s.state.Apps = map[string]Stretch{}
	}
	s.state.Gaps = slices.Clone(d.State.Gaps)
	s.remarks = nil
	s.decoder.SetFloor(s.state.Sealed)
	s.drop()
	s.dropped = nil
	parts := d.Parts()
	for w := parts.Next(); w != nil; w = parts.Next() {
		if err := s.absorb(w); err != nil {
			return fmt.Errorf("app %q in %s: %w", w.App, w.Month, err)
		}
	}
	return nil
}

func (s *Shard) absorb(d *WindowDelta) error {
	if d.App == "" || d.Month < s.state.Sealed || d.Late != (d.Month == s.state.Sealed) {
		return fmt.Errorf("no such window can be where %s is the sealed month", s.state.Sealed)
	}
	in, err := s.month(d.Month)
	if err != nil {
		return err
	}
	w, err := s.window(d.Month, d.App, nil)
	if err != nil {
		return err
	}
	if len(d.Fingerprints) > 0 && d.First != w.devices() {
		return fmt.Errorf("fingerprints from ordinal %d on, there are %d", d.First, w.devices())
	}
	known := w.large != nil && w.large.Loose()
	if err := w.number(d.Fingerprints); err != nil {
		return err
	}
	if w.large != nil && w.large.Loose() && !known {
		s.loose = append(s.loose, w)
	}
	kinds, days := len(in.rules.Kinds), d.Month.Days()
	for _, f := range d.Facts {
		if f.Ordinal >= w.devices() || f.Day < 1 || int(f.Day) > days || int(f.Kind) >= kinds {
			return fmt.Errorf("fact %+v cannot be: %d devices, %d days, %d kinds", f, w.devices(), days, kinds)
		}
	}
	if w.large != nil {
		s.ordinals = w.large.learnAll(d.Facts, s.ordinals)
	} else {
		for _, f := range d.Facts {
			w.flat.learn(f.Ordinal, f.Day, f.Kind)
		}
	}
	for _, r := range d.Registers {
		if d.Late || int(r.Kind) >= kinds || int(r.Index)>>w.precision != 0 || r.Value < 1 || r.Value > maxRegister(w.precision) {
			return fmt.Errorf("register %+v cannot be: precision %d, %d kinds", r, w.precision, kinds)
		}
		w.sketch(r.Kind).raise(uint32(r.Index), r.Value)
	}
	for i := range d.Totals {
		q := d.Totals[i].Quantity
		if q.Meter == "" || q.Source == "" || int(q.Day) > days || q.Value < 0 {
			return fmt.Errorf("quantity %+v cannot be", q)
		}
		w.reported.take(&q)
	}
	w.counters = d.Counters
	w.markCut()
	return nil
}

// number gives fingerprints the next ordinals. Those of a large window are findable after Index only.
func (w *window) number(prints []identity.Fingerprint) error {
	for i := range prints {
		if w.large != nil {
			if err := w.large.Append(&prints[i]); err != nil {
				return err
			}
			w.in.devices++
			continue
		}
		next := w.devices()
		got, err := w.device(&prints[i], false)
		if err != nil {
			return err
		}
		if got != next {
			return fmt.Errorf("fingerprint %s has ordinals %d and %d", prints[i], got, next)
		}
	}
	return nil
}

// Ready ends a restoration: it makes all that was absorbed ready for counting, and finishes its validation. Count does it where
// it was not done.
func (s *Shard) Ready() error {
	for _, w := range s.loose {
		if err := w.large.Index(); err != nil {
			return fmt.Errorf("app %q in %s: %w", w.App, w.Month, err)
		}
	}
	s.loose, s.ordinals = nil, nil
	return nil
}

func compareKeys(a, b totalKey) int {
	return cmp.Or(cmp.Compare(a.meter, b.meter), cmp.Compare(a.source, b.source), cmp.Compare(a.day, b.day))
}

// compareWindows orders windows by month, on time before late, app.
func compareWindows(a, b WindowID) int {
	if a.Month == b.Month && a.Late != b.Late {
		if a.Late {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.App, b.App))
}
