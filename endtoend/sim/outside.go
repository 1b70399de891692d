package sim

import (
	"slices"
	"strconv"
	"strings"

	"headcount/counter/checkpoint"
)

// outside makes a fault happen that does not hang on a process's step.
func (w *World) outside(k fault) {
	p := w.anyIngest()
	part := w.log.partitions[w.draw(len(w.log.partitions))]
	w.fired[k]++
	switch k {
	case crash:
		if p != nil {
			w.kill(p, crash)
		}
	case power:
		if !w.remote {
			w.powerFails()
		}
	case zombie: // silent for longer than the session, and given up
		if p != nil && !w.alone {
			p.stalled = w.now + int64(w.draw(20*24*3600_000))
			w.later(10_000, w.group.rebalance)
		} else if w.alone {
			w.launch(false, 0) // a second process that reads all
			w.took(zombie)
		}
	case rebalance:
		w.group.rebalance()
	case stall:
		if p != nil {
			p.stalled = w.now + int64(w.draw(8000))
			w.took(stall)
		}
	case restart:
		if p != nil {
			p.cancel()
			w.took(restart)
		}
	case clockJump:
		if p != nil {
			p.off += int64(w.draw(10*24*3600_000)) - 5*24*3600_000
			w.took(clockJump)
		}
	case growth:
		if len(w.log.partitions) < 6 {
			w.grow()
			w.group.rebalance()
			w.took(growth)
		}
	case transaction, abort:
		w.transaction(part, k)
	case failover:
		part.epoch++
		w.took(failover)
	case truncation:
		w.truncate(part)
	case retention:
		w.retain(part)
	case diskFull:
		w.disk.full = true
		w.later(int64(w.draw(3600_000)), func() { w.disk.full = false })
	case flip:
		w.flip()
	}
}

// anyIngest returns an ingest process that runs; nil: none.
func (w *World) anyIngest() *process {
	var all []*process
	for _, p := range w.processes {
		if !p.ended && !p.dead && !p.closing {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[w.draw(len(all))]
}

// transaction has a producer begin one, and decide later.
func (w *World) transaction(p *partition, k fault) {
	if p.held >= 0 {
		return
	}
	var ms []*made
	for range 1 + w.draw(4) {
		ms = append(ms, w.traffic.make(w.now-3600_000, w.now))
	}
	p.held = p.end
	at := len(p.batches)
	w.traffic.into(p, ms)
	mine := slices.Clone(p.batches[at:])
	for _, b := range mine {
		b.aborted = k == abort
	}
	w.took(k)
	w.later(int64(w.draw(5*24*3600_000)), func() { p.held = -1 })
}

// truncate has a broker lead that lacks the end of the log.
func (w *World) truncate(p *partition) {
	if len(p.batches) < 2 || w.draw(4) > 0 || w.years { // a long run is to come to its end
		return
	}
	base := p.batches[len(p.batches)-1-w.draw(min(3, len(p.batches)-1))].base
	if p.held > base {
		p.held = -1
	}
	p.truncate(base, w.steps)
	w.lossy = true
	w.took(truncation)
}

// retain deletes the log's beginning.
func (w *World) retain(p *partition) {
	if len(p.batches) < 2 || w.chanceEven() || w.years {
		return
	}
	base := p.batches[w.draw(len(p.batches))].base
	for i, b := range p.batches[:len(p.batches)-1] { // just past a seal, if there is one
		if b.made == nil && b.says.Type == "headcount.seal" && w.chanceEven() {
			base = p.batches[i+1].base
		}
	}
	if p.held >= 0 && base > p.held {
		return
	}
	p.retain(base, w.steps)
	w.took(retention)
}

// flip changes a bit of a checkpoint or a sealed month.
func (w *World) flip() {
	var all []string
	if w.remote {
		all = slices.Clone(w.objects.names)
	} else {
		for _, path := range keys(w.disk.folders) {
			for _, name := range w.disk.folders[path].names {
				if n := w.disk.folders[path].entries[name]; !n.folder && n.writer == nil {
					all = append(all, join(path, name))
				}
			}
		}
	}
	all = slices.DeleteFunc(all, func(name string) bool {
		return strings.Contains(name, "/rules/") // they are no longer what they were without anything to tell them by
	})
	if len(all) == 0 {
		return
	}
	name := all[w.draw(len(all))]
	data := w.objects.files[name]
	if !w.remote {
		in, base := split(name)
		data = w.disk.folders[in].entries[base].data
	}
	if len(data) == 0 {
		return
	}
	at, bit := w.draw(len(data)), w.draw(8)
	if !strings.HasSuffix(name, ".segment") && !strings.HasSuffix(name, ".data") && w.chanceEven() {
		for i := range data { // a digit that becomes another leaves text that reads well
			if c := data[(at+i)%len(data)]; c >= '0' && c <= '9' {
				at, bit = (at+i)%len(data), 0
				break
			}
		}
	}
	data[at] ^= 1 << bit
	if !w.remote {
		name = w.disk.published(name)
	}
	w.say("a bit of %s changes", name)
	name = strings.TrimPrefix(name, "state/")
	if n, err := strconv.Atoi(strings.Split(name, "/")[2]); err == nil {
		w.log.partitions[n].bitten = true
	}
	w.flipped = append(w.flipped, name)
}

// published is the name that a file was given, where this one is that under which it was written.
func (d *disk) published(name string) string {
	in, base := split(name)
	for _, other := range keys(d.folders[in].entries) {
		if d.folders[in].entries[other] == d.folders[in].entries[base] && checkpoint.CheckName(other) == nil {
			return join(in, other)
		}
	}
	return name
}

// removeFile removes a file as an operator does.
func (w *World) removeFile(name string) {
	if w.remote {
		r := &remote{w.objects, nil}
		if r.files[name] != nil {
			delete(r.files, name)
			i, _ := slices.BinarySearch(r.names, name)
			r.names = slices.Delete(r.names, i, i+1)
		}
		return
	}
	in, base := split("state/" + name)
	if f := w.disk.folders[in]; f != nil {
		f.put(base, nil)
		delete(f.before, base)
	}
}

// seenDamage notes that a file that changed at rest was passed over. What changed nowhere is not damaged; it may be gone, where
// another process went on.
func (w *World) seenDamage(why string) {
	switch {
	case len(w.flipped) > 0:
		w.took(flip)
	case w.fired[flip]+w.fired[power] == 0 && !strings.Contains(why, checkpoint.ErrNotFound.Error()):
		w.fail("a checkpoint that nothing happened to is not used: %s", why)
	}
}
