package verify

import (
	"fmt"
	"maps"
	"slices"
)

// head keeps what a sealed file says of an app, for the comparison after all facts are counted.
func (v *verification) head(f *sealedFile) {
	h := *f.app
	h.registers = nil
	v.heads[place{h.section == 1, f.Partition, h.app}] = &h
}

// tally adds up what the partitions have of each app, and compares it with the heads of the sealed files.
func (v *verification) tally(u *union) {
	for _, id := range slices.Sorted(maps.Keys(v.parts)) {
		p := v.parts[id]
		if !p.done() {
			continue
		}
		var sum sums
		apps := map[string]bool{}
		for name := range p.onTime {
			apps[name] = true
		}
		for name := range p.stretches {
			apps[name] = true
		}
		for _, name := range slices.Sorted(maps.Keys(apps)) {
			at := place{false, id, name}
			w, lost := p.onTime[name], p.stretches[name]
			a := v.appOf(name)
			a.listed = true
			a.stretch.expired += lost.expired
			a.stretch.rejected += lost.rejected
			a.stretch.overLimit += lost.overLimit
			if w != nil {
				a.events += w.events
				a.skewed += w.skewed
				a.repeats += w.events - u.repeats[at]
				for q, t := range w.totals {
					if was, ok := a.totals[q]; !ok || t.above(was) {
						a.totals[q] = t
					}
				}
			}
			v.compareHead(u, at, w, lost, &sum)
		}
		var lateSum sums
		for _, name := range slices.Sorted(maps.Keys(p.lateOf)) {
			v.compareHead(u, place{true, id, name}, p.lateOf[name], stretch{}, &lateSum)
		}
		v.compareIndex(u.files[id], p, &sum, &lateSum)
		if v.late != nil {
			v.late.quantities(p)
		}
		v.nameless += p.nameless.rejected
	}
	for at, h := range v.heads {
		v.report.wrong("sealed counters", fmt.Sprintf("partition %d, app %s%s", at.partition, at.app, lateWord(at.late)), "no such app", fmt.Sprintf("%d events, %d devices", h.counters.events, h.devices))
	}
	for name, a := range v.apps {
		a.finish(v.Month, name)
	}
}

func lateWord(late bool) string {
	if late {
		return ", late facts of the month before"
	}
	return ""
}

// sums are over the apps of a section.
type sums struct {
	apps, rows, events, repeats, skewed uint64
	stretch                             stretch
}

func (v *verification) compareHead(u *union, at place, w *window, lost stretch, sum *sums) {
	if w == nil {
		w = &window{}
	}
	repeats, devices := w.events-u.repeats[at], u.rows[at]
	sum.apps++
	sum.rows += devices
	sum.events += w.events
	sum.repeats += repeats
	sum.skewed += w.skewed
	sum.stretch.expired += lost.expired
	sum.stretch.rejected += lost.rejected
	sum.stretch.overLimit += lost.overLimit
	f := u.files[at.partition]
	if f == nil {
		return
	}
	h := v.heads[at]
	if h == nil {
		if !f.broken {
			v.report.wrong("sealed counters", fmt.Sprintf("%s: app %s%s", f.data, at.app, lateWord(at.late)), "an app", "none")
		}
		return
	}
	delete(v.heads, at)
	same := func(what string, got, want uint64) {
		v.report.same("sealed counters", got, want, "%s: app %s%s: %s", f.data, at.app, lateWord(at.late), what)
	}
	same("devices", h.devices, devices)
	same("events", h.counters.events, w.events)
	same("duplicates", h.repeats, repeats)
	same("skewed", h.counters.skewed, w.skewed)
	same("expired", h.stretch.expired, lost.expired)
	same("rejected", h.stretch.rejected, lost.rejected)
	same("over limit", h.stretch.overLimit, lost.overLimit)
	all := maps.Clone(h.totals)
	if all == nil {
		all = map[quantity]standing{}
	}
	maps.Copy(all, w.totals)
	for _, q := range slices.SortedFunc(maps.Keys(all), compareQuantities) {
		got, gotOK := h.totals[q]
		want, wantOK := w.totals[q]
		v.report.same("sealed quantities", fmt.Sprint(got, gotOK), fmt.Sprint(want, wantOK), "%s: app %s%s, meter %s, source %s, day %d: revision and value", f.data, at.app, lateWord(at.late), q.meter, q.source, q.day)
	}
}

func (v *verification) compareIndex(f *sealedFile, p *partition, sum, late *sums) {
	if f == nil {
		return
	}
	same := func(what string, got, want any) { v.report.same("sealed index", got, want, "%s: %s", f.file, what) }
	v.compareIdentity(f, p.id)
	same("offset", f.Offset, p.sealOffset)
	same("seal_id", f.SealID, p.seal.SealID)
	same("seal_hash", f.SealHash, p.sealHash)
	same("unattributed", f.Unattributed, stretchJSON{p.nameless.expired, p.nameless.rejected, p.nameless.overLimit})
	v.compareSums(f, sum, late)
}

// compareIdentity holds what an index says it is of against closing and rules.
func (v *verification) compareIdentity(f *sealedFile, id int32) {
	same := func(what string, got, want any) { v.report.same("sealed index", got, want, "%s: %s", f.file, what) }
	same("cluster", f.Cluster, v.closing.Cluster)
	same("topic_id", f.TopicID, v.closing.TopicID)
	same("partition", f.Partition, id)
	same("month", f.Month, v.Month)
	same("rules", f.RulesHash, v.rules.hash)
	same("key_id", f.KeyID, v.rules.KeyID)
	same("precision", f.Precision, v.rules.Precision)
}

// compareSums holds what an index says of its file's content against sums of it.
func (v *verification) compareSums(f *sealedFile, sum, late *sums) {
	same := func(what string, got, want any) { v.report.same("sealed index", got, want, "%s: %s", f.file, what) }
	same("attributed", f.Attributed, stretchJSON{sum.stretch.expired, sum.stretch.rejected, sum.stretch.overLimit})
	same("events", f.Events, sum.events)
	same("duplicates", f.Duplicates, sum.repeats)
	same("skewed", f.Skewed, sum.skewed)
	same("apps", f.Apps, sum.apps)
	same("rows", f.Rows, sum.rows)
	same("late_apps", f.LateApps, late.apps)
	same("late_rows", f.LateRows, late.rows)
}
