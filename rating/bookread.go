package rating

import (
	"fmt"
	"regexp"
	"slices"

	"headcount/internal/strict"
)

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

var wordForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// parseName refuses what could not stand in book/plan or meter.field.
func parseName(s string) (string, error) {
	if !wordForm.MatchString(s) {
		return "", fmt.Errorf("name %q: want lower-case letters, digits, - and _", s)
	}
	return s, nil
}

func readName(v strict.Value) string { return strict.Parsed(v, parseName) }

// readBook reads one price book. The error is a *FileError.
func readBook(file string, data []byte) (*Book, error) {
	d, root := openDocument(file, data)
	o := root.Object()
	b := &Book{
		Name: readName(o.Must("book")), Title: o.Must("title").Text(), Source: o.Must("source").Prose(),
		Date: o.Must("date").Text(), Currency: o.Must("currency").Text(), Digits: int32(o.Must("minor_digits").Integer()),
		Notes: texts(o, "notes"),
	}
	if v, ok := o.Maybe("date"); ok && b.Date != "undated" {
		strict.Parsed(v, ParseDate)
	}
	if v, ok := o.Maybe("currency"); ok && !v.Missing() && !currencyForm.MatchString(b.Currency) {
		v.Fail("%q: want three capital letters, such as USD", b.Currency)
	}
	if b.Digits > 6 {
		v, _ := o.Maybe("minor_digits")
		v.Fail("%d: want 0 to 6", b.Digits)
	}
	b.source = &Source{Book: b.Name, Version: b.Date}
	b.Rules = readRules(o.Must("rules"))
	if v, ok := o.Maybe("suspension"); ok {
		b.Suspension = readSuspension(v)
	}
	if v, ok := o.Maybe("reminders"); ok {
		r := v.Object()
		b.Reminders = &Reminders{DaysBefore: number(r, "days_before"), DaysAfter: number(r, "days_after")}
		r.Done()
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
	o.Done()
	if len(b.Plans) == 0 {
		root.Fail("has no plans")
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return b, nil
}

// checkItem holds an item against the rest of its book.
func checkItem(b *Book, e strict.Entry) {
	it := b.item(e.Key)
	if it.Requires != "" && b.item(it.Requires) == nil {
		e.Fail("requires an unknown item %q%s", it.Requires, strict.DidYouMean(it.Requires, b.itemNames()))
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
			e.Fail("charges meter %s, which %s does too", c.Meter.Name, by)
		}
	}
}

// entries returns the fields of a free-form mapping that may be left out; the names are checked.
func entries(o *strict.Object, field string) []strict.Entry {
	v, ok := o.Maybe(field)
	if !ok {
		return nil
	}
	es := v.Object().Entries
	for _, e := range es {
		if _, err := parseName(e.Key); err != nil {
			e.Fail("%v", err)
		}
	}
	return es
}

func texts(o *strict.Object, field string) (out []string) {
	if v, ok := o.Maybe(field); ok {
		for _, t := range v.List() {
			out = append(out, t.Prose())
		}
	}
	return out
}

func number(o *strict.Object, field string) int {
	v, _ := o.Maybe(field)
	return v.Integer()
}

// word reads an optional field that is one of a few words; the first is the default.
func word(o *strict.Object, field string, words ...string) string {
	if v, ok := o.Maybe(field); ok {
		return v.OneOf(words...)
	}
	return words[0]
}

func readRules(v strict.Value) Rules {
	o := v.Object()
	r := Rules{
		QuotaPer:          word(o, "quota_per", perApp, perAccount),
		PlanOfMonth:       word(o, "plan_of_month", lastPlan, firstPlan),
		PartialMonth:      word(o, "partial_month", wholeMonth, shareOfDays),
		PartialBlock:      word(o, "partial_block", charged, free),
		DeductFrom:        number(o, "deduct_from_day"),
		DeductUntil:       number(o, "deduct_until_day"),
		Billed:            word(o, "billed", billedMonthly, billedDaily),
		DailyBillWithin:   number(o, "daily_bill_within_days"),
		PlanFee:           word(o, "plan_fee", paidAfter, paidAhead),
		PlanFeeFirstMonth: word(o, "plan_fee_first_month", charged, free),
		Activation:        word(o, "activation", activationFirst, activationEvery),
		SuspendedMonth:    word(o, "suspended_month", charged, free),
		Renewal:           word(o, "renewal_in_arrears", renewed, refused),
		PlanFeeChange:     word(o, "plan_fee_in_change_month", lastPlan, dearestPlan),
		PlanChange:        word(o, "plan_change", keepTerm, refundAndBuy),
		Refund:            word(o, "refund", noRefund, startedDays, elapsedDays),
		ItemsOnChange:     word(o, "items_ended_by_plan_change", noRefund, startedDays),
		ChangesPerMonth:   number(o, "configuration_changes_per_month"),
		PackageEffect:     word(o, "package_effect", nextDay, sameDay),
		Draw:              word(o, "draw", byDay, byMonth),
		ResourceOrder:     word(o, "resource_package_order", earliestExpiry, earliestBy),
	}
	if !o.Missing() {
		for _, e := range o.Entries {
			if day := e.Value; (e.Key == "deduct_from_day" || e.Key == "deduct_until_day") && (day.Integer() < 1 || day.Integer() > 28) {
				day.Fail("want a day from 1 to 28")
			}
		}
		if (r.DeductFrom == 0) != (r.DeductUntil == 0) {
			o.Fail("want both deduct_from_day and deduct_until_day, or neither")
		}
	}
	r.DrawOrder = []string{sourceFree, sourcePackage, sourceResource}
	if v, ok := o.Maybe("draw_order"); ok {
		r.DrawOrder = nil
		for _, w := range v.List() {
			r.DrawOrder = append(r.DrawOrder, w.OneOf(sourceFree, sourcePackage, sourceResource))
		}
	}
	if all := slices.Sorted(slices.Values(r.DrawOrder)); !slices.Equal(all, []string{sourceFree, sourcePackage, sourceResource}) {
		o.Fail("draw_order: want free, package and resource_package, in some order")
	}
	o.Done()
	return r
}

func readSuspension(v strict.Value) *Suspension {
	o := v.Object()
	s := &Suspension{
		AfterExpiry: readDelay(o, "after_expiry"), AfterBill: readDelay(o, "after_bill"),
		GraceUsage: word(o, "usage_after_expiry", reportedWord, billedWord),
		MonthUsage: word(o, "usage_in_month", wholeMonth, shareOfDays, shareInArrears),
		KeepDays:   o.Must("keep_days").Integer(),
	}
	o.Done()
	return s
}

func readDelay(o *strict.Object, field string) *Delay {
	v, ok := o.Maybe(field)
	if !ok {
		return nil
	}
	f := v.Object()
	d := &Delay{FirstDay: word(f, "first_day", included, excluded)}
	said := 0
	for _, a := range []struct {
		name string
		to   *int
	}{{"hours", &d.Hours}, {"days", &d.Whole}, {"more_than_days", &d.Days}} {
		if n, ok := f.Maybe(a.name); ok {
			said++
			if *a.to = n.Integer(); *a.to == 0 {
				n.Fail("0: want 1 or more")
			}
		}
	}
	f.Done()
	if !v.Missing() && said != 1 {
		v.Fail("want one of hours, days and more_than_days")
	}
	return d
}

func readMeter(e strict.Entry) *Meter {
	o := e.Value.Object()
	m := &Meter{Name: e.Key, Title: o.Must("title").Text()}
	m.Aggregate = Aggregate(o.Must("aggregate").OneOf(string(Unique), string(PeakDaily), string(Counter), string(Gauge)))
	counts := m.Aggregate == Unique || m.Aggregate == PeakDaily
	if v, ok := o.Maybe("kinds"); ok {
		for _, k := range v.List() {
			m.Kinds = append(m.Kinds, readName(k))
		}
		if !counts {
			v.Fail("a %s is reported, not counted: it has no kinds", m.Aggregate)
		}
	}
	if counts && len(m.Kinds) == 0 {
		o.Want("kinds")
	}
	o.Done()
	return m
}
