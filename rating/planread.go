package rating

import (
	"strconv"
)

func readPlan(b *Book, e entry) *Plan {
	o := e.value.object()
	p := &Plan{Book: b, Name: e.key, Title: o.must("title").text(), Features: texts(o, "features"), Notes: texts(o, "notes")}
	if v, ok := o.maybe("reported"); ok {
		p.Reported = v.flag()
	}
	if v, ok := o.maybe("no_return"); ok {
		p.NoReturn = v.flag()
	}
	if v, ok := o.maybe("fee"); ok {
		fee := v.price()
		p.Fee = &fee
	}
	if v, ok := o.maybe("term"); ok {
		p.Term = v.term()
	}
	if v, ok := o.maybe("minimum_term"); ok {
		p.MinTerm = v.term()
	}
	if v, ok := o.maybe("maximum_term"); ok {
		p.MaxTerm = v.term()
	}
	p.Charges = readCharges(b, o, p.Reported)
	for _, l := range entries(o, "limits") {
		p.Limits = append(p.Limits, Fact{l.key, l.value.text()})
	}
	o.done()
	return p
}

func readCharges(b *Book, o *object, reported bool) (out []*Charge) {
	for _, e := range entries(o, "charges") {
		c := readCharge(e.value, reported)
		if c.Meter = b.meter(e.key); c.Meter == nil {
			o.doc.fail(e.at, "unknown meter%s", didYouMean(e.key, b.meterNames()))
			return out
		}
		if c.Model == modelDaily {
			if c.Meter.Aggregate != Counter && c.Meter.Aggregate != Unique {
				o.doc.fail(e.at, "a %s has no daily units", c.Meter.Aggregate)
			}
			c.Meter.ByDay = true
		}
		c.source = b.source
		out = append(out, c)
	}
	return out
}

func readCharge(v value, reported bool) *Charge {
	o := v.object()
	c := &Charge{Model: word(o, "model", modelUnit, modelBlocks, modelGraduated, modelFlat, modelDaily)}
	if f, ok := o.maybe("free"); ok {
		c.Free = f.quantity()
	}
	switch {
	case c.Model == modelGraduated:
		c.Tiers = readTiers(o.must("tiers"))
	case reported:
		if p, ok := o.maybe("unit_price"); ok {
			c.UnitPrice = p.price()
		}
	default:
		c.UnitPrice = o.must("unit_price").price()
	}
	if c.Model == modelBlocks {
		block := o.must("block")
		if c.Block = block.quantity(); !block.missing() && !c.Block.IsPositive() {
			o.doc.fail(block.at, "a block of 0 units")
		}
	}
	if p, ok := o.maybe("commitment"); ok {
		c.Commitment = p.price()
	}
	o.done()
	return c
}

func readTiers(v value) (out []Tier) {
	list := v.list()
	for i, t := range list {
		o := t.object()
		tier := Tier{UnitPrice: o.must("unit_price").price()}
		if i < len(list)-1 {
			up := o.must("up_to")
			if tier.UpTo = up.quantity(); !up.missing() && (!tier.UpTo.IsPositive() || i > 0 && !tier.UpTo.GreaterThan(out[i-1].UpTo)) {
				o.doc.fail(up.at, "%s: tiers rise", tier.UpTo)
			}
		}
		o.done()
		out = append(out, tier)
	}
	if !v.missing() && len(out) == 0 {
		v.doc.fail(v.at, "has no tiers")
	}
	return out
}

func readItem(b *Book, e entry) *Item {
	o := e.value.object()
	it := &Item{
		Name: e.key, Title: o.must("title").text(),
		Paid: word(o, "paid", paidAfter, paidAhead), Per: word(o, "per", perMonth, perDay),
		FirstMonth: word(o, "first_month", charged, free, freeInChangeMonth),
		Notes:      texts(o, "notes"),
	}
	if v, ok := o.maybe("quantity"); ok {
		it.Quantity = v.oneOf(quantityMay, quantityMust)
	}
	if v, ok := o.maybe("promotion"); ok {
		p := v.price()
		it.Promotion = &p
	}
	if v, ok := o.maybe("requires"); ok {
		it.Requires = v.text()
	}
	for _, p := range entries(o, "prices") {
		it.Prices = append(it.Prices, ItemPrice{Plan: planName(b, p), Price: p.value.price()})
	}
	for _, p := range entries(o, "options") {
		plan := planName(b, p)
		for _, x := range p.value.object().entries {
			n, err := strconv.Atoi(x.key)
			if err != nil || n < 1 {
				o.doc.fail(x.at, "option %q: want a positive integer in quotes", x.key)
			}
			it.Prices = append(it.Prices, ItemPrice{Plan: plan, Option: n, Price: x.value.price()})
		}
	}
	it.Charges = readCharges(b, o, false)
	if !o.missing() && len(it.Prices) == 0 {
		o.doc.fail(e.at, "has neither prices nor options: no plan offers it")
	}
	o.done()
	return it
}

func planName(b *Book, e entry) string {
	if b.plan(e.key) == nil {
		e.value.doc.fail(e.at, "unknown plan%s", didYouMean(e.key, names(b.Plans, func(p *Plan) string { return p.Name })))
	}
	return e.key
}

func readPackage(b *Book, e entry) *PackageType {
	o := e.value.object()
	p := &PackageType{Name: e.key, Title: o.must("title").text(), Term: 12, SizeOf: "quantity", Notes: texts(o, "notes")}
	if v, ok := o.maybe("term"); ok {
		p.Term = v.term()
	}
	meter := func(v value, name string) *Meter {
		m := b.meter(name)
		if m == nil && !v.missing() {
			v.doc.fail(v.at, "unknown meter %q%s", name, didYouMean(name, b.meterNames()))
		}
		return m
	}
	if v, ok := o.maybe("draws"); ok {
		p.Meter = meter(v, v.text())
	}
	if v, ok := o.maybe("mau"); ok {
		p.SizeOf = "mau"
		f := v.object()
		p.Min, p.Max = f.must("min").integer(), f.must("max").integer()
		f.done()
	}
	for _, c := range entries(o, "covers_per_month") {
		cover := Cover{Meter: meter(c.value, c.key)}
		if s := c.value.text(); s == "mau" && p.SizeOf == "mau" {
			cover.BySize = true
		} else {
			cover.Quantity = c.value.quantity()
		}
		p.Covers = append(p.Covers, cover)
	}
	if !o.missing() && (p.Meter == nil) == (len(p.Covers) == 0) {
		o.doc.fail(e.at, "want either draws (a resource package) or covers_per_month")
	}
	o.done()
	return p
}
