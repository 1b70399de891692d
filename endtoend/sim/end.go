package sim

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
)

// checkEnd is what must be so when all is done: every partition is counted to its end and checkpointed, every record that cannot
// be counted is a dead letter, the ledger has each revision of an invoice once, and the log the closed record of every month.
func (w *World) checkEnd() {
	w.checkRules()
	if w.stopped != nil || w.failed != nil {
		return
	}
	w.checkPositions()
	if w.halts == 0 && !w.lossy {
		w.checkDead()
	}
	w.checkBooks()
}

// checkRules wants rules of those months alone that were closed, or had a record: no record of the product's kind makes any.
func (w *World) checkRules() {
	may := map[string]bool{}
	for _, m := range w.months {
		may[m.String()] = true
	}
	sealed := maps.Clone(w.closed)
	for _, p := range w.log.partitions { // also where a close did not come to its end
		for _, b := range p.all() {
			if b.made != nil || b.says == nil {
				continue
			}
			if m, err := events.ParseMonth(b.says.Data.Month); err == nil && b.sealOf(m, b.says.Data.Partition) {
				sealed[m] = true
			}
		}
	}
	for _, p := range w.log.partitions {
		for _, b := range p.all() {
			for _, m := range b.made {
				if f, at, _, month := w.fate(m, 0); f == countable { // with what is sealed, later months may have some
					may[w.monthOf(at).String()], may[month.String()] = true, true
				}
				for month := range sealed {
					if f, _, _, month := w.fate(m, month); f == countable {
						may[month.String()] = true
					}
				}
				if m.verdict == rejected { // it is sent without its time: the record's decides
					may[w.monthOf(m.stamp).String()] = true
				}
			}
		}
	}
	folder := fmt.Sprintf("%s/%s/rules/", w.topic.Name, w.topic.ID)
	names := within(w.objects.names, folder)
	if f := w.disk.folders[strings.TrimSuffix("state/"+folder, "/")]; f != nil {
		names = append(names, f.names...)
	}
	for _, name := range names {
		month := strings.TrimSuffix(strings.TrimPrefix(name, folder), ".json")
		if _, err := events.ParseMonth(month); err == nil && !may[month] {
			w.fail("there are rules of %s, of which no record counts", month)
		}
	}
}

func (w *World) checkPositions() {
	p := w.newProcess("reader")
	p.ended = true
	bucket, err := w.bucket(p)
	if err != nil {
		w.fail("open the state: %v", err)
		return
	}
	w.objects.catchUp() // an old list is refused by name, which is no answer here
	state := checkpoint.OpenTopic(bucket, w.topic.Name, w.topic.ID)
	for _, part := range w.log.partitions {
		id := counter.Identity{Cluster: w.topic.Cluster, TopicID: w.topic.ID, Partition: part.id}
		at, _, err := state.Partition(id).Glance(p.ctx)
		if err != nil {
			w.fail("partition %d at the end: %v", part.id, err)
		} else if at.Next != part.end {
			w.fail("partition %d is counted up to %d at the end, of %d", part.id, at.Next, part.end)
		}
	}
}

// batches are all that a partition ever held.
func (p *partition) all() []*batch {
	return append(append(p.old[:len(p.old):len(p.old)], p.batches...), p.lost...)
}

func (w *World) checkDead() {
	letters := map[string]string{} // why
	for _, m := range w.log.dead {
		at := map[string]string{}
		for _, h := range m.Headers {
			at[h.Key] = string(h.Value)
		}
		if at["reason"] == "" || at["topic"] != w.topic.Name {
			w.fail("a dead letter with headers %v", at)
		}
		letters[at["partition"]+"/"+at["offset"]+" "+string(m.Value)] = at["reason"]
	}
	rejects := map[string]bool{}
	var past, timeless map[spot]bool
	if w.limited || w.bounded {
		t := w.tell(w.closings())
		past, timeless = t.past, t.timeless
	}
	for _, p := range w.log.partitions {
		for _, b := range p.all() {
			if b.aborted || b.made == nil {
				continue
			}
			for i, m := range b.made {
				place := spot{p.id, b.records[i].Offset}
				over := past[place]
				if m.verdict != rejected && !over && !timeless[place] {
					continue
				}
				at := fmt.Sprintf("%d/%d %s", p.id, b.records[i].Offset, b.records[i].Value)
				why, buried := letters[at]
				if rejects[at] = true; !buried {
					w.fail("no dead letter of partition/offset %s", at)
				}
				if over != (why == "over limit") {
					w.fail("the dead letter of partition/offset %s says %q; over a limit: %v", at, why, over)
				}
			}
		}
	}
	for _, at := range keys(letters) {
		if !rejects[at] {
			w.fail("a dead letter of partition/offset %s, which can be counted", at)
		}
	}
}

func (w *World) checkBooks() {
	l, err := w.books.open()
	if err != nil {
		w.fail("the ledger at the end: %v", err)
		return
	}
	announced := map[string]int{}
	closings := w.closings()
	for _, p := range w.log.partitions {
		for _, b := range p.all() {
			if b.made == nil && b.says.Type == "headcount.closed" {
				announced[b.says.Data.Month]++
				w.checkClosed(b.says, closings)
			}
		}
	}
	if left, err := l.Outbox(context.Background()); err != nil || len(left) > 0 {
		w.fail("%d messages are left in the outbox: %v", len(left), err)
	}
	for _, m := range w.months {
		if announced[m.String()] == 0 {
			w.fail("the log does not say that %s is closed", m)
		}
		invoices, err := l.Invoices(context.Background(), m)
		if err != nil {
			w.fail("invoices of %s: %v", m, err)
		}
		seen := map[string]bool{}
		for _, v := range invoices {
			at := fmt.Sprintf("%s/%d", v.Account, v.Revision)
			if seen[at] {
				w.fail("%s has revision %d of %s twice", v.Account, v.Revision, m)
			}
			seen[at] = true
		}
	}
}

// checkClosed holds a closed record against what was printed of its month.
func (w *World) checkClosed(s *line, closings map[events.Month]begun) {
	m, _ := events.ParseMonth(s.Data.Month)
	d := w.printed[m]
	if d == nil {
		w.fail("a closed record of %s, which was not printed", m)
		return
	}
	usage := map[string]string{}
	for _, a := range d.Usage {
		usage[a.App] = a.Digest
	}
	if s.Data.SealID != closings[m].seal || s.Data.Apps != len(usage) || !maps.Equal(s.Data.Usage, usage) {
		w.fail("the closed record of %s says %+v, the close %v by seal %s", m, s.Data, usage, closings[m].seal)
	}
}
