package rating

import (
	"regexp"
	"slices"
)

var wordForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// name refuses what could not stand in book/plan or meter.field.
func (v value) name(s string) string {
	if !v.missing() && !wordForm.MatchString(s) {
		v.doc.fail(v.at, "name %q: want lower-case letters, digits, - and _", s)
	}
	return s
}

func (v value) named() string { return v.name(v.text()) }

// readBook reads one price book. The error is a *FileError.
func readBook(file string, data []byte) (*Book, error) {
	d, root := openDocument(file, data)
	o := root.object()
	b := &Book{
		Name: o.must("book").named(), Title: o.must("title").text(), Source: o.must("source").prose(),
		Date: o.must("date").text(), Currency: o.must("currency").text(), Digits: int32(o.must("minor_digits").integer()),
		Notes: texts(o, "notes"),
	}
	if v, ok := o.maybe("date"); ok && b.Date != "undated" {
		v.date()
	}
	if b.Digits > 6 {
		v, _ := o.maybe("minor_digits")
		d.fail(v.at, "%d: want 0 to 6", b.Digits)
	}
	b.source = &Source{Book: b.Name, Version: b.Date}
	b.Rules = readRules(o.must("rules"))
	if v, ok := o.maybe("suspension"); ok {
		b.Suspension = readSuspension(v)
	}
	if v, ok := o.maybe("reminders"); ok {
		r := v.object()
		b.Reminders = &Reminders{DaysBefore: number(r, "days_before"), DaysAfter: number(r, "days_after")}
		r.done()
	}
	for _, e := range entries(o, "meters") {
		b.Meters = append(b.Meters, readMeter(e))
	}
	for _, e := range entries(o, "plans") {
		b.Plans = append(b.Plans, readPlan(b, e))
	}
	for _, e := range entries(o, "items") {
		b.Items = append(b.Items, readItem(b, e))
	}
	for _, e := range entries(o, "packages") {
		b.Packages = append(b.Packages, readPackage(b, e))
	}
	for _, e := range entries(o, "items") {
		checkItem(b, e)
	}
	o.done()
	if d.err == nil && len(b.Plans) == 0 {
		d.fail(root.at, "has no plans")
	}
	if d.err != nil {
		return nil, d.err
	}
	return b, nil
}

// checkItem holds an item against the rest of its book.
func checkItem(b *Book, e entry) {
	it := b.item(e.key)
	if it.Requires != "" && b.item(it.Requires) == nil {
		e.value.doc.fail(e.at, "requires an unknown item %q%s", it.Requires, didYouMean(it.Requires, b.itemNames()))
	}
	taken := make(map[*Meter]string)
	for _, p := range b.Plans {
		for _, c := range p.Charges {
			taken[c.Meter] = "plan " + p.Name
		}
	}
	for _, other := range b.Items {
		if other != it {
			for _, c := range other.Charges {
				taken[c.Meter] = "item " + other.Name
			}
		}
	}
	for _, c := range it.Charges {
		if by := taken[c.Meter]; by != "" {
			e.value.doc.fail(e.at, "charges meter %s, which %s does too", c.Meter.Name, by)
		}
	}
}

// entries returns the fields of a free-form mapping that may be left out; the names are checked.
func entries(o *object, field string) []entry {
	v, ok := o.maybe(field)
	if !ok {
		return nil
	}
	es := v.object().entries
	for _, e := range es {
		value{doc: v.doc, node: e.value.node, at: e.at}.name(e.key)
	}
	return es
}

func texts(o *object, field string) (out []string) {
	if v, ok := o.maybe(field); ok {
		for _, t := range v.list() {
			out = append(out, t.prose())
		}
	}
	return out
}

func number(o *object, field string) int {
	v, _ := o.maybe(field)
	return v.integer()
}

// word reads an optional field that is one of a few words; the first is the default.
func word(o *object, field string, words ...string) string {
	if v, ok := o.maybe(field); ok {
		return v.oneOf(words...)
	}
	return words[0]
}

func readRules(v value) Rules {
	o := v.object()
	r := Rules{
		QuotaPer:          word(o, "quota_per", perApp, perAccount),
		PlanOfMonth:       word(o, "plan_of_month", lastPlan, firstPlan),
		PartialMonth:      word(o, "partial_month", wholeMonth, shareOfDays),
		PartialBlock:      word(o, "partial_block", charged, free),
		DeductFrom:        o.must("deduct_from_day").integer(),
		DeductUntil:       o.must("deduct_until_day").integer(),
		Billed:            word(o, "billed", billedMonthly, billedDaily),
		DailyBillWithin:   number(o, "daily_bill_within_days"),
		PlanFee:           word(o, "plan_fee", paidAfter, paidAhead),
		PlanFeeFirstMonth: word(o, "plan_fee_first_month", charged, free),
		PlanFeeChange:     word(o, "plan_fee_in_change_month", lastPlan, dearestPlan),
		PlanChange:        word(o, "plan_change", keepTerm, refundAndBuy),
		Refund:            word(o, "refund", noRefund, startedDays, elapsedDays),
		ItemsOnChange:     word(o, "items_ended_by_plan_change", noRefund, startedDays),
		ChangesPerMonth:   number(o, "configuration_changes_per_month"),
		PackageEffect:     word(o, "package_effect", nextDay, sameDay),
		Draw:              word(o, "draw", byDay, byMonth),
		ResourceOrder:     word(o, "resource_package_order", earliestExpiry, earliestBy),
	}
	if !o.missing() {
		for _, e := range o.entries {
			if day := e.value; (e.key == "deduct_from_day" || e.key == "deduct_until_day") && (day.integer() < 1 || day.integer() > 28) {
				o.doc.fail(day.at, "want a day from 1 to 28")
			}
		}
	}
	r.DrawOrder = []string{sourceFree, sourcePackage, sourceResource}
	if v, ok := o.maybe("draw_order"); ok {
		r.DrawOrder = nil
		for _, w := range v.list() {
			r.DrawOrder = append(r.DrawOrder, w.oneOf(sourceFree, sourcePackage, sourceResource))
		}
	}
	for i, w := range r.DrawOrder {
		if len(r.DrawOrder) != 3 || slices.Contains(r.DrawOrder[:i], w) {
			o.doc.fail(o.at, "draw_order: want free, package and resource_package, in some order")
			break
		}
	}
	o.done()
	return r
}

func readSuspension(v value) *Suspension {
	o := v.object()
	s := &Suspension{
		AfterExpiry: readDelay(o, "after_expiry"), AfterBill: readDelay(o, "after_bill"),
		GraceUsage: word(o, "usage_after_expiry", reportedWord, billedWord),
		MonthUsage: word(o, "usage_in_month", wholeMonth, shareOfDays),
		KeepDays:   o.must("keep_days").integer(),
	}
	o.done()
	return s
}

func readDelay(o *object, field string) *Delay {
	v, ok := o.maybe(field)
	if !ok {
		return nil
	}
	f := v.object()
	d := &Delay{Hours: number(f, "hours"), Days: number(f, "more_than_days"), FirstDay: word(f, "first_day", included, excluded)}
	f.done()
	if !v.missing() && (d.Hours == 0) == (d.Days == 0) {
		v.doc.fail(v.at, "want either hours or more_than_days")
	}
	return d
}

func readMeter(e entry) *Meter {
	o := e.value.object()
	m := &Meter{Name: e.key, Title: o.must("title").text()}
	m.Aggregate = Aggregate(o.must("aggregate").oneOf(string(Unique), string(PeakDaily), string(Counter), string(Gauge)))
	counts := m.Aggregate == Unique || m.Aggregate == PeakDaily
	if v, ok := o.maybe("kinds"); ok {
		for _, k := range v.list() {
			m.Kinds = append(m.Kinds, k.name(k.text()))
		}
		if !counts {
			o.doc.fail(v.at, "a %s is reported, not counted: it has no kinds", m.Aggregate)
		}
	}
	if counts && len(m.Kinds) == 0 {
		o.wanting = append(o.wanting, "kinds")
	}
	o.done()
	return m
}
