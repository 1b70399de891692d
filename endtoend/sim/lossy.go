package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"headcount/events"
	"headcount/rollup/closed"
)

// checkLossy is what must be so of a month where records were lost: the numbers lie between what nothing took away, and all that
// the log ever held before the month's seals; and they are what the first revision of its invoices was made of.
func (w *World) checkLossy(m events.Month, r *closed.Result, d *document) {
	c := &comparison{w: w, month: m}
	least, most := w.bounds(m, d)
	had := map[string]bool{}
	for i := range d.Usage {
		a := &d.Usage[i]
		had[a.App] = true
		c.between(a, least.of(a.App), most.of(a.App))
	}
	for app := range least {
		c.of = app
		c.same("is there", had[app], true)
	}
	mau := w.closings()[m].mau
	for _, v := range r.Invoices {
		if v.Revision == 1 && v.Month == m {
			c.of = v.Account
			c.same("total", v.Total, money(d.owed(v.Account, mau)))
		}
	}
	if len(c.wrong) > 0 {
		w.fail("%s, of which records were lost, is wrong:\n\t%s", m, strings.Join(c.wrong, "\n\t"))
	}
}

// sealLost says whether the log was cut off before a seal of the month, after the month was sealed by it: then the log no longer tells
// the month, and nobody may have met the loss. Seen are those that the close that billed the month could miss when it looked at the
// log: which did not begin behind the seal by then, nor has a repeat of it, which is the same record, in its place.
func (w *World) sealLost(m events.Month, d *document) (lost bool, seen []string) {
	for _, s := range d.Sealed {
		p := w.log.partitions[s.Partition]
		is := func(b *batch) bool { return b.base == s.Offset && b.sealOf(m, p.id) }
		if !slices.ContainsFunc(p.lost, is) {
			continue
		}
		lost = true
		looked := w.looked(m, p.id)
		before := func(b *batch) bool { return b.gone < looked }
		cut := slices.ContainsFunc(p.lost, func(b *batch) bool { return is(b) && before(b) })
		deleted := slices.ContainsFunc(p.old, func(b *batch) bool { return b.next > s.Offset && before(b) })
		if cut && !deleted && !slices.ContainsFunc(p.batches, is) {
			seen = append(seen, fmt.Sprintf("the seal of %s at offset %d", m, s.Offset))
		}
	}
	return lost, seen
}

// looked is the step at which the close that billed a month looked at a partition last; 0: none billed it.
func (w *World) looked(m events.Month, partition events.Partition) int {
	if p := w.billed[m]; p != nil {
		return p.looked[partition]
	}
	return 0
}

// sealOf says whether the batch is a seal of a month that a close wrote.
func (b *batch) sealOf(m events.Month, partition events.Partition) bool {
	if b.made != nil || b.says.Type != "headcount.seal" {
		return false
	}
	x := &b.says.Data
	return x.Month == m.String() && x.Partition == partition && x.SealID != "forged"
}

// bounds are the events of a month that lie before its seals: those that no loss can have taken, and all that were ever there. What
// was cut off may have been counted also where it lay behind the seal, which was then written in its place.
func (w *World) bounds(m events.Month, d *document) (least, most windows) {
	least, most = windows{}, windows{}
	for _, s := range d.Sealed {
		p := w.log.partitions[s.Partition]
		held := w.mostHeld(m, p, s.Offset)
		for k, b := range p.all() {
			if b.aborted {
				continue
			}
			for i, rec := range b.made {
				offset, gone := b.records[i].Offset, k >= len(p.old)+len(p.batches)
				if offset >= s.Offset && !gone || rec.verdict != counted {
					continue
				}
				f, at, _, month := w.fate(rec, 0)
				if f != countable || month != m {
					continue
				}
				most.of(rec.app).take(w, rec, at)
				if !gone && !w.mayBeLost(p, offset) && rec.size == 0 && !w.mayPass(rec.app, held) {
					least.of(rec.app).take(w, rec, at)
				}
			}
		}
	}
	return least, most
}

func (x *window) take(w *World, m *made, at int64) {
	x.events++
	x.facts.add(m.who, m.kind, w.dayOf(at))
}

// mayBeLost says whether an offset lies in a gap that was accepted, or in a part of the log that was replaced.
func (w *World) mayBeLost(p *partition, offset events.Offset) bool {
	for _, g := range w.gaps {
		if g.partition == p.id && g.from <= offset && offset < g.to {
			return true
		}
	}
	for _, b := range p.lost {
		if b.base <= offset && offset < b.next {
			return true
		}
	}
	return false
}

func (c *comparison) between(got *appUsage, least, most *window) {
	c.of = got.App
	c.within("events", got.Events, least.events, most.events)
	for k, name := range kindNames {
		c.within(name, got.Kinds[name].Exact, people(kinds(k), least.facts)[0], people(kinds(k), most.facts)[0])
	}
	var daily []day
	if err := json.Unmarshal(got.Daily, &daily); err != nil {
		c.same("days", err, nil)
	}
	devices, users := people(deviceKinds, least.facts), people(kinds(login), least.facts)
	mostDevices, mostUsers := people(deviceKinds, most.facts), people(kinds(login), most.facts)
	for i, d := range daily {
		c.within(d.Day, d.Active, devices[i+1], mostDevices[i+1])
		c.within(d.Day+" users", d.Users, users[i+1], mostUsers[i+1])
	}
	_, prices := accountOf(got.App, 0)
	for _, m := range got.Meters {
		for _, p := range prices {
			if m.Meter == p.meter && p.kinds != 0 {
				c.within(m.Meter, int(m.Exact), p.people(least.facts), p.people(most.facts))
				c.same(m.Meter+" verdict", m.Verdict, map[bool]string{true: "none", false: "agree"}[p.peak])
			}
		}
	}
}

func (c *comparison) within(what string, got, least, most int) {
	if got < least || got > most {
		c.same(what, got, fmt.Sprintf("%d to %d", least, most))
	}
}

// owed is what an account owes by the document's own numbers.
func (d *document) owed(account string, mau int64) (cents int64) {
	for _, a := range d.Usage {
		of, prices := accountOf(a.App, mau)
		for _, m := range a.Meters {
			for _, p := range prices {
				if of == account && m.Meter == p.meter {
					cents += p.amount(m.Exact)
				}
			}
		}
	}
	return cents
}
