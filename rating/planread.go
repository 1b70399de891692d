package rating

import (
	"strconv"

	"headcount/internal/strict"
)

func readPlan(b *Book, e strict.Entry) *Plan {
	o := e.Value.Object()
	p := &Plan{Book: b, Name: e.Key, Title: o.Must("title").Text(), Features: texts(o, "features"), Notes: texts(o, "notes")}
	if v, ok := o.Maybe("reported"); ok {
		p.Reported = v.Flag()
	}
	if v, ok := o.Maybe("no_return"); ok {
		p.NoReturn = v.Flag()
	}
	if v, ok := o.Maybe("fee"); ok {
		fee := readMoney(v, b)
		p.Fee = &fee
	}
	if v, ok := o.Maybe("term"); ok {
		p.Term = strict.Parsed(v, ParseTerm)
	}
	if v, ok := o.Maybe("minimum_term"); ok {
		p.MinTerm = strict.Parsed(v, ParseTerm)
	}
	if v, ok := o.Maybe("maximum_term"); ok {
		p.MaxTerm = strict.Parsed(v, ParseTerm)
	}
	p.Charges = readCharges(b, o, p.Reported)
	for _, l := range entries(o, "limits") {
		p.Limits = append(p.Limits, Fact{l.Key, l.Value.Text()})
	}
	o.Done()
	return p
}

func readCharges(b *Book, o *strict.Object, reported bool) (out []*Charge) {
	for _, e := range entries(o, "charges") {
		c := readCharge(b, e.Value, reported)
		if c.Meter = b.meter(e.Key); c.Meter == nil {
			e.Fail("unknown meter%s", strict.DidYouMean(e.Key, b.meterNames()))
			return out
		}
		if c.Model == modelDaily {
			if c.Meter.Aggregate != Counter && c.Meter.Aggregate != Unique {
				e.Fail("a %s has no daily units", c.Meter.Aggregate)
			}
			c.Meter.ByDay = true
		}
		c.source = b.source
		out = append(out, c)
	}
	return out
}

func readCharge(b *Book, v strict.Value, reported bool) *Charge {
	o := v.Object()
	c := &Charge{Model: word(o, "model", modelUnit, modelBlocks, modelGraduated, modelFlat, modelDaily)}
	if f, ok := o.Maybe("free"); ok {
		c.Free = readQuantity(f)
	}
	switch {
	case c.Model == modelGraduated:
		c.Tiers = readTiers(o.Must("tiers"))
	case reported:
		if p, ok := o.Maybe("unit_price"); ok {
			c.UnitPrice = readPrice(p)
		}
	default:
		c.UnitPrice = readPrice(o.Must("unit_price"))
	}
	if c.Model == modelBlocks {
		block := o.Must("block")
		if c.Block = readQuantity(block); !block.Missing() && !c.Block.IsPositive() {
			block.Fail("a block of 0 units")
		}
	}
	if p, ok := o.Maybe("commitment"); ok {
		c.Commitment = readMoney(p, b)
	}
	if p, ok := o.Maybe("billed"); ok {
		c.Billed = p.OneOf(billedDaily)
	}
	o.Done()
	return c
}

func readTiers(v strict.Value) (out []Tier) {
	list := v.List()
	for i, t := range list {
		o := t.Object()
		tier := Tier{UnitPrice: readPrice(o.Must("unit_price"))}
		if i < len(list)-1 {
			up := o.Must("up_to")
			if tier.UpTo = readQuantity(up); !up.Missing() && (!tier.UpTo.IsPositive() || i > 0 && !tier.UpTo.GreaterThan(out[i-1].UpTo)) {
				up.Fail("%s: tiers rise", tier.UpTo)
			}
		}
		o.Done()
		out = append(out, tier)
	}
	if !v.Missing() && len(out) == 0 {
		v.Fail("has no tiers")
	}
	return out
}

const maxOption = 999_999_999 // as an account can name it

func readItem(b *Book, e strict.Entry) *Item {
	o := e.Value.Object()
	it := &Item{
		Name: e.Key, Title: o.Must("title").Text(),
		Paid: word(o, "paid", paidAfter, paidAhead), Per: word(o, "per", perMonth, perDay, perYear), Bought: word(o, "bought", boughtMonthly, boughtOnce),
		FirstMonth: word(o, "first_month", charged, free, freeInChangeMonth),
		Notes:      texts(o, "notes"),
	}
	if v, ok := o.Maybe("quantity"); ok {
		it.Quantity = v.OneOf(quantityMay, quantityMust)
	}
	if v, ok := o.Maybe("promotion"); ok {
		p := readMoney(v, b)
		it.Promotion = &p
	}
	if v, ok := o.Maybe("promotion_last_day"); ok {
		if it.PromotedTo = strict.Parsed(v, ParseDate); it.Promotion == nil {
			v.Fail("there is no promotion")
		}
	}
	if v, ok := o.Maybe("requires"); ok {
		it.Requires = v.Text()
	}
	for _, p := range entries(o, "prices") {
		it.Prices = append(it.Prices, readItemPrice(b, it, planName(b, p), 0, p.Value))
	}
	for _, p := range entries(o, "options") {
		plan, all := planName(b, p), p.Value.Object().Entries
		if len(all) == 0 && !p.Value.Missing() {
			p.Value.Fail("has no options")
		}
		for _, x := range all {
			n, err := strconv.Atoi(x.Key)
			if err != nil || n < 1 || n > maxOption || strconv.Itoa(n) != x.Key {
				x.Fail("option %q: want a positive integer in quotes", x.Key)
			}
			it.Prices = append(it.Prices, readItemPrice(b, it, plan, n, x.Value))
		}
	}
	if !o.Missing() && it.Paid == paidAfter && (it.Per == perYear || it.Bought == boughtOnce) {
		o.Fail("per: year and bought: once are of what is paid ahead (paid: ahead)")
	}
	it.Charges = readCharges(b, o, false)
	if !o.Missing() && len(it.Prices) == 0 {
		e.Fail("has neither prices nor options: no plan offers it")
	}
	o.Done()
	return it
}

// readItemPrice reads a price, or that there is none but a contract's. What is paid by day is rounded with its line; all else is
// paid as it stands here.
func readItemPrice(b *Book, it *Item, plan string, option int, v strict.Value) ItemPrice {
	p := ItemPrice{Plan: plan, Option: option}
	switch {
	case v.Text() == byContract:
		p.Agreed = true
	case it.Per == perDay:
		p.Price = readPrice(v)
	default:
		p.Price = readMoney(v, b)
	}
	return p
}

func planName(b *Book, e strict.Entry) string {
	if b.plan(e.Key) == nil {
		e.Fail("unknown plan%s", strict.DidYouMean(e.Key, names(b.Plans, func(p *Plan) string { return p.Name })))
	}
	return e.Key
}

func readPackage(b *Book, e strict.Entry) *PackageType {
	o := e.Value.Object()
	p := &PackageType{Name: e.Key, Title: o.Must("title").Text(), Term: 12, SizeOf: "quantity", Notes: texts(o, "notes")}
	if v, ok := o.Maybe("term"); ok {
		p.Term = strict.Parsed(v, ParseTerm)
	}
	meter := func(v strict.Value, name string) *Meter {
		m := b.meter(name)
		if m == nil && !v.Missing() {
			v.Fail("unknown meter %q%s", name, strict.DidYouMean(name, b.meterNames()))
		}
		return m
	}
	if v, ok := o.Maybe("draws"); ok {
		p.Meter = meter(v, v.Text())
	}
	if v, ok := o.Maybe("mau"); ok {
		p.SizeOf = "mau"
		f := v.Object()
		p.Min, p.Max = f.Must("min").Integer(), f.Must("max").Integer()
		f.Done()
	}
	for _, c := range entries(o, "covers_per_month") {
		cover := Cover{Meter: meter(c.Value, c.Key)}
		if s := c.Value.Text(); s == "mau" && p.SizeOf == "mau" {
			cover.BySize = true
		} else {
			cover.Quantity = readQuantity(c.Value)
		}
		p.Covers = append(p.Covers, cover)
	}
	if !o.Missing() && (p.Meter == nil) == (len(p.Covers) == 0) {
		e.Fail("want either draws (a resource package) or covers_per_month")
	}
	o.Done()
	return p
}
