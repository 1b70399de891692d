package recount

import (
	"fmt"
	"maps"
	"slices"

	"headcount/verify/report"
)

// tally adds up what the partitions have of each app, and compares it with the heads of the sealed files.
func (u *union) tally(parts map[int32]*atSeal) {
	for _, id := range slices.Sorted(maps.Keys(parts)) {
		p := parts[id]
		u.n.Seals[id] = p.offset
		u.n.Nameless.add(p.nameless)
		sum, late := u.tallyApps(p), u.tallyLate(p)
		u.tallyRemarks(p)
		if f := u.files[id]; f != nil {
			compareIndex(u.s, f.SealedFile, p, &sum, &late, u.r)
		}
		if u.n.Late == nil {
			continue
		}
		for _, in := range []windows{p.before, p.lateOf} {
			for name, w := range in {
				totals(lateApp(u.n.Late, name).Totals).takeAll(w.totals)
			}
		}
	}
	for at, h := range u.heads {
		u.r.Wrong("sealed counters", fmt.Sprintf("partition %d, app %s%s", at.partition, at.app, lateWord(at.late)), "no such app", fmt.Sprintf("%d events, %d devices", h.counters.Events, h.devices))
	}
	for name, a := range u.n.Apps {
		a.Repeats = a.Events - a.facts
		a.finish(u.s.Closing.Month, name)
	}
}

// tallyApps adds up the apps that a partition has of the month.
func (u *union) tallyApps(p *atSeal) (sum sums) {
	apps := map[string]bool{}
	for name := range p.onTime {
		apps[name] = true
	}
	for name := range p.stretches {
		apps[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(apps)) {
		at := place{false, p.id, name}
		w, lost := p.onTime[name], p.stretches[name]
		a := u.appOf(name)
		a.Listed = true
		a.Stretch.add(lost)
		if w != nil {
			a.Events += w.Events
			a.Skewed += w.Skewed
			totals(a.Totals).takeAll(w.totals)
		}
		u.compareHead(at, w, lost, &sum)
	}
	return sum
}

// tallyLate adds up the apps of which something of the month before came late in a partition.
func (u *union) tallyLate(p *atSeal) (sum sums) {
	for _, name := range slices.Sorted(maps.Keys(p.lateOf)) {
		u.compareHead(place{true, p.id, name}, p.lateOf[name], Stretch{}, &sum)
	}
	return sum
}

func lateWord(late bool) string {
	if late {
		return ", late facts of the month before"
	}
	return ""
}

// sums are over the apps of a section.
type sums struct {
	apps, rows, repeats uint64
	Counters
	stretch Stretch
}

func (s *sums) add(devices, repeats uint64, c Counters, lost Stretch) {
	s.apps++
	s.rows += devices
	s.repeats += repeats
	s.Events += c.Events
	s.Skewed += c.Skewed
	s.stretch.add(lost)
}

// compareHead compares an app's numbers with what the partition's file says of it, and adds them to sum.
func (u *union) compareHead(at place, w *window, lost Stretch, sum *sums) {
	if w == nil {
		w = &window{}
	}
	repeats, devices := w.Events-u.repeats[at], u.rows[at]
	sum.add(devices, repeats, w.Counters, lost)
	f := u.files[at.partition]
	if f == nil {
		return
	}
	h := u.heads[at]
	if h == nil {
		if !f.broken {
			u.r.Wrong("sealed counters", fmt.Sprintf("%s: app %s%s", f.data, at.app, lateWord(at.late)), "an app", "none")
		}
		return
	}
	delete(u.heads, at)
	same := func(what string, got, want uint64) {
		u.r.Same("sealed counters", got, want, "%s: app %s%s: %s", f.data, at.app, lateWord(at.late), what)
	}
	same("devices", h.devices, devices)
	same("events", h.counters.Events, w.Events)
	same("duplicates", h.repeats, repeats)
	same("skewed", h.counters.Skewed, w.Skewed)
	same("expired", h.stretch.Expired, lost.Expired)
	same("rejected", h.stretch.Rejected, lost.Rejected)
	same("over limit", h.stretch.OverLimit, lost.OverLimit)
	same("before the books", h.stretch.BeforeBooks, lost.BeforeBooks)
	all := totals{}
	maps.Copy(all, h.totals)
	maps.Copy(all, w.totals)
	for _, q := range slices.SortedFunc(maps.Keys(all), compareQuantities) {
		got, gotOK := h.totals[q]
		want, wantOK := w.totals[q]
		u.r.Same("sealed quantities", fmt.Sprint(got, gotOK), fmt.Sprint(want, wantOK), "%s: app %s%s, meter %s, source %s, day %d: revision and value", f.data, at.app, lateWord(at.late), q.Meter, q.Source, q.Day)
	}
}

// compareIndex compares what an index says of its file with a partition of the log.
func compareIndex(s *Subject, f *SealedFile, p *atSeal, sum, late *sums, r *report.Report) {
	same := func(what string, got, want any) { r.Same("sealed index", got, want, "%s: %s", f.file, what) }
	compareIdentity(s, f, p.id, r)
	same("offset", f.Offset, p.offset)
	same("seal_id", f.SealID, p.seal.SealID)
	same("seal_hash", f.SealHash, p.sealHash)
	same("unattributed", f.Unattributed, stretchJSON(p.nameless))
	if f.Open != nil {
		same("open", fmt.Sprint(*f.Open), fmt.Sprint(p.begun))
	}
	compareSums(f, sum, late, r)
}

// compareIdentity compares what an index says it is of with closing and rules.
func compareIdentity(s *Subject, f *SealedFile, id int32, r *report.Report) {
	same := func(what string, got, want any) { r.Same("sealed index", got, want, "%s: %s", f.file, what) }
	same("cluster", f.Cluster, s.Closing.Cluster)
	same("topic_id", f.TopicID, s.Closing.TopicID)
	same("partition", f.Partition, id)
	same("month", f.Month, s.Closing.Month)
	same("rules", f.RulesHash, s.Rules.hash)
	same("key_id", f.KeyID, s.Rules.KeyID)
	same("precision", f.Precision, s.Rules.Precision)
}

// compareSums compares what an index says of its file's content with sums of it.
func compareSums(f *SealedFile, sum, late *sums, r *report.Report) {
	same := func(what string, got, want any) { r.Same("sealed index", got, want, "%s: %s", f.file, what) }
	same("attributed", f.Attributed, stretchJSON(sum.stretch))
	same("events", f.Events, sum.Events)
	same("duplicates", f.Duplicates, sum.repeats)
	same("skewed", f.Skewed, sum.Skewed)
	same("apps", f.Apps, sum.apps)
	same("rows", f.Rows, sum.rows)
	same("late_apps", f.LateApps, late.apps)
	same("late_rows", f.LateRows, late.rows)
}
