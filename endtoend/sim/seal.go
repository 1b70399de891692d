package sim

import (
	"fmt"

	"headcount/events"
)

// sealIn is the place of a month's seal among a partition's batches, where the log may lose it; −1: there is none.
func (p *partition) sealIn(m events.Month) int {
	for i, b := range p.batches {
		if i > 0 && p.held < 0 && b.made == nil && b.says.Type == "headcount.seal" && b.says.Data.Month == m.String() {
			return i
		}
	}
	return -1
}

// cutSeal has a broker lead, between two tries to close a month, that lacks a seal which was written, and that takes more than it lacks
// before anybody reads it.
func (w *World) cutSeal(m events.Month) {
	if w.budget == 0 || w.years || w.draw(16) > 0 {
		return
	}
	for _, p := range w.log.partitions {
		if i := p.sealIn(m); i > 0 {
			w.cutAt(p, i-w.draw(2), true)
			return
		}
	}
}

// cutAt cuts a log off at a batch; grown: it takes more than it lacks.
func (w *World) cutAt(p *partition, i int, grown bool) {
	w.budget--
	w.event(truncation)
	w.lossy = true
	was := p.end
	p.truncate(p.batches[i].base, w.steps)
	for grown && p.end <= was {
		w.traffic.into(p, []*made{w.traffic.make(w.now-3600_000, w.now)})
	}
}

// loseSeal has the log lose a seal between two steps of a close that has the month sealed by it: cut before it, or deleted past it.
func (w *World) loseSeal(of *process) {
	if !w.shaky || w.budget == 0 || w.draw(10) > 0 {
		return
	}
	p := w.log.partitions[w.draw(len(w.log.partitions))]
	i := p.sealIn(of.month)
	if i < 0 || !w.isSealed(p, of.month) {
		return
	}
	w.say("%s: partition %d loses the seal of %s", of.name, p.id, of.month)
	if w.chanceEven() {
		w.fired[sealCut]++
		w.cutAt(p, max(i-w.draw(3), 1), w.draw(3) == 0)
		return
	}
	w.fired[sealDeleted]++
	w.budget--
	if i+1 == len(p.batches) {
		w.traffic.into(p, []*made{w.traffic.make(w.now-3600_000, w.now)})
	}
	p.retain(p.batches[i+1].base, w.steps)
	w.event(retention)
}

// isSealed says whether a partition's sealed month is in the state store.
func (w *World) isSealed(p *partition, m events.Month) bool {
	name := fmt.Sprintf("%s/%s/%d/sealed/%s.index", w.topic.Name, w.topic.ID, p.id, m)
	if w.remote {
		return w.objects.files[name] != nil
	}
	in, base := split("state/" + name)
	f := w.disk.folders[in]
	return f != nil && f.entries[base] != nil
}

// sealDeletedAt says whether retention had taken a seal of the month when the close that billed it looked.
func (w *World) sealDeletedAt(m events.Month, d *document) bool {
	for _, s := range d.Sealed {
		for _, b := range w.log.partitions[s.Partition].old {
			if b.base == s.Offset && b.gone < w.looked(m, s.Partition) {
				return true
			}
		}
	}
	return false
}
