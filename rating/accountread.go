package rating

import (
	"slices"
	"strings"

	"headcount/internal/appid"
	"headcount/internal/strict"
)

const maxIDBytes = 128 // of an account

// FileError says what is wrong in a file, where, and what to do about it.
type FileError = strict.Error

const maxFileBytes = 64 << 20 // of a book

// openDocument reads a file that has to say something.
func openDocument(file string, data []byte) (*strict.Document, strict.Value) {
	d := strict.Parse(file, data, maxFileBytes)
	root := d.Root()
	if root.Missing() {
		root.Fail("is empty")
	}
	return d, root
}

const nameApps = "name the apps that the account is billed for, as in [app-001]"

func readAccount(v strict.Value) *account {
	o := v.Object()
	x := &account{at: v.At, late: lateBill}
	x.id = readLimited(o.Must("id"), maxIDBytes)
	x.apps = readApps(o.Must("apps"))
	x.plan = readPlanRef(o.Must("plan"))
	x.from = strict.Parsed(o.Must("from"), ParseMoment)
	x.until, x.untilAt = maybeMoment(o, "until")
	if t, ok := o.Maybe("term"); ok {
		x.term, x.termAt = strict.Parsed(t, ParseTerm), t.At
	}
	if r, ok := o.Maybe("renew"); ok {
		r.OneOf("auto")
		x.renew = true
	}
	if l, ok := o.Maybe("late"); ok {
		x.late = l.OneOf(lateBill, lateReport)
	}
	if f, ok := o.Maybe("overrides"); ok {
		for _, e := range f.Object().Entries {
			x.overrides = append(x.overrides, readOverride(e))
		}
	}
	for _, e := range maybeList(o, "changes") {
		f := e.Object()
		x.changes = append(x.changes, change{at: e.At, when: strict.Parsed(f.Must("at"), ParseMoment), plan: readPlanRef(f.Must("plan"))})
		f.Done()
	}
	for _, e := range maybeList(o, "addons") {
		x.addons = append(x.addons, readAddon(x, e))
	}
	for _, e := range maybeList(o, "packages") {
		x.packages = append(x.packages, readPack(x, e))
	}
	for _, e := range maybeList(o, "orders") {
		x.orders = append(x.orders, readOrder(e))
	}
	for _, e := range maybeList(o, "bills") {
		f := e.Object()
		b := bill{at: e.At, pushed: strict.Parsed(f.Must("pushed"), ParseMoment), month: strict.Parsed(f.Must("month"), ParseMonth)}
		b.paid, _ = maybeMoment(f, "paid")
		f.Done()
		x.bills = append(x.bills, b)
	}
	x.cancelled.Moment, x.cancelled.at = maybeMoment(o, "cancelled")
	x.disabled.Moment, x.disabled.at = maybeMoment(o, "disabled")
	x.readParty(o)
	o.Done()
	return x
}

// readApps returns the apps, sorted.
func readApps(all strict.Value) []string {
	if all.Null() {
		all.Fail("has no value: %s", nameApps)
	}
	apps, plain := all.PlainTexts(appid.MaxBytes)
	if plain {
		slices.Sort(apps)
	}
	if plain && len(apps) > 0 && len(slices.Compact(apps)) == len(apps) {
		return apps
	}
	apps = apps[:0]
	known := make(map[string]bool)
	for _, app := range all.List() {
		id := readLimited(app, appid.MaxBytes)
		if known[id] {
			app.Fail("app %q is there twice", id)
		}
		known[id] = true
		apps = append(apps, id)
	}
	if !all.Missing() && len(apps) == 0 {
		all.Fail("is empty: %s", nameApps)
	}
	slices.Sort(apps)
	return apps
}

func readOverride(e strict.Entry) override {
	dot := strings.LastIndexByte(e.Key, '.')
	x := override{at: e.At}
	if dot <= 0 {
		e.Fail("override %q: want meter.field, item.fee or plan.fee, such as mau.free", e.Key)
		return x
	}
	x.meter, x.field = e.Key[:dot], e.Key[dot+1:]
	switch x.field {
	case "free":
		x.value = readQuantity(e.Value)
	case "block":
		if x.value = readQuantity(e.Value); !e.Value.Missing() && !x.value.IsPositive() {
			e.Value.Fail("a block of 0 units")
		}
	case "unit_price", "commitment", feeField:
		x.value = readPrice(e.Value)
	default:
		known := []string{"free", "unit_price", "block", "commitment", feeField}
		e.Fail("unknown field %q%s; known are %s", x.field, strict.DidYouMean(x.field, known), strings.Join(known, ", "))
	}
	return x
}

func readAddon(x *account, v strict.Value) addon {
	o := v.Object()
	item := o.Must("item")
	a := addon{at: v.At, item: item.Text(), itemAt: item.At, from: strict.Parsed(o.Must("from"), ParseMoment)}
	a.until, _ = maybeMoment(o, "until")
	if q, ok := o.Maybe("quantity"); ok {
		n := readQuantity(q)
		if !q.Missing() && !n.IsPositive() {
			q.Fail("quantity 0: leave the add-on out")
		}
		a.quantity, a.quantityAt = &n, q.At
	}
	if p, ok := o.Maybe("option"); ok {
		a.option, a.optionAt = p.Integer(), p.At
	}
	a.app = ownApp(x, o)
	o.Done()
	return a
}

func readPack(x *account, v strict.Value) pack {
	o := v.Object()
	item, price := o.Must("item"), o.Must("price")
	p := pack{at: v.At, item: item.Text(), itemAt: item.At, bought: strict.Parsed(o.Must("bought"), ParseMoment), price: readPrice(price), priceAt: price.At}
	if q, ok := o.Maybe("quantity"); ok {
		n := readQuantity(q)
		p.quantity = &n
	}
	if m, ok := o.Maybe("mau"); ok {
		p.mau, p.mauAt = m.Integer(), m.At
	}
	if r, ok := o.Maybe("remaining"); ok {
		n := readQuantity(r)
		p.remaining, p.leftAt = &n, r.At
		if p.quantity != nil && n.GreaterThan(*p.quantity) {
			r.Fail("%s remain of %s", n, p.quantity)
		}
	}
	if t, ok := o.Maybe("term"); ok {
		p.term = strict.Parsed(t, ParseTerm)
	}
	p.app = ownApp(x, o)
	o.Done()
	return p
}

func readOrder(v strict.Value) order {
	o := v.Object()
	r := order{at: v.At, when: strict.Parsed(o.Must("at"), ParseMoment), listed: true}
	if p, ok := o.Maybe("plan"); ok {
		ref := readPlanRef(p)
		r.plan = &ref
	}
	if t, ok := o.Maybe("term"); ok {
		r.term = strict.Parsed(t, ParseTerm)
	}
	for _, f := range []string{"cash", "credit", "voucher"} {
		p, ok := o.Maybe(f)
		if !ok {
			continue
		}
		r.listed = false
		amount := readPrice(p)
		switch f {
		case "cash":
			r.cash = amount
		case "credit":
			r.credit = amount
		case "voucher":
			r.voucher = amount
		}
		r.money = append(r.money, placed{p.At, amount})
	}
	o.Done()
	return r
}

// ownApp reads the optional field app, one of the account's.
func ownApp(x *account, o *strict.Object) string {
	v, ok := o.Maybe("app")
	if !ok {
		return ""
	}
	app := v.Text()
	if _, own := slices.BinarySearch(x.apps, app); !v.Missing() && !own {
		v.Fail("app %q is not one of the account's%s", app, strict.DidYouMean(app, x.apps))
	}
	return app
}

// readLimited reads an id.
func readLimited(v strict.Value, most int) string {
	s := v.Text()
	if v.Missing() {
		return s
	}
	if len(s) > most {
		v.Fail("is %d bytes long, more than %d", len(s), most)
	}
	if seen(s) == "" {
		v.Fail("%+q: nothing of it can be seen", s)
	}
	return s
}

func readPlanRef(v strict.Value) planRef {
	s := v.Text()
	book, plan, ok := strings.Cut(s, "/")
	if !v.Missing() && (!ok || book == "" || plan == "" || strings.Contains(plan, "/")) {
		v.Fail("plan %q: want book/plan", s)
	}
	return planRef{v.At, s}
}

func maybeMoment(o *strict.Object, field string) (*Moment, strict.Place) {
	v, ok := o.Maybe(field)
	if !ok {
		return nil, strict.Place{}
	}
	m := strict.Parsed(v, ParseMoment)
	return &m, v.At
}

func maybeList(o *strict.Object, field string) []strict.Value {
	v, ok := o.Maybe(field)
	if !ok {
		return nil
	}
	return v.List()
}

// String returns the date or the time as it was written.
func (m Moment) String() string {
	if m.instant.IsZero() {
		return m.date.String()
	}
	return m.instant.Format("2006-01-02T15:04:05Z07:00")
}
