package rating

import (
	"slices"
	"sort"
	"strings"
)

const (
	maxAppBytes = 64
	maxIDBytes  = 128
)

// ParseAccounts reads an accounts file; name is what errors call it. It checks all that needs no price book: Check does the
// rest. An error is a *FileError.
func ParseAccounts(name string, data []byte) (*Accounts, error) {
	d, root := openDocument(name, data)
	o := root.object()
	a := &Accounts{file: name, byApp: make(map[string][]*account)}
	seen := make(map[string]place)
	for _, v := range o.must("accounts").list() {
		x := readAccount(v)
		if d.err != nil {
			return nil, d.err
		}
		if other, ok := seen[x.id]; ok {
			e := x.at.errorf("account %q is there twice, first in line %d", x.id, other.line)
			e.Field += ".id"
			return nil, e
		}
		seen[x.id] = x.at
		a.list = append(a.list, x)
		for _, app := range x.apps {
			a.byApp[app] = append(a.byApp[app], x)
		}
	}
	o.done()
	if d.err != nil {
		return nil, d.err
	}
	sort.Slice(a.list, func(i, j int) bool { return a.list[i].id < a.list[j].id })
	return a, nil
}

func readAccount(v value) *account {
	o := v.object()
	x := &account{at: v.at, late: lateBill}
	x.id = o.must("id").limited(maxIDBytes)
	apps := o.must("apps")
	seen := make(map[string]bool)
	for _, app := range apps.list() {
		id := app.limited(maxAppBytes)
		if seen[id] {
			o.doc.fail(app.at, "app %q is there twice", id)
		}
		seen[id] = true
		x.apps = append(x.apps, id)
	}
	if !apps.missing() && len(x.apps) == 0 {
		o.doc.fail(apps.at, "is empty: name the apps that the account is billed for")
	}
	slices.Sort(x.apps)
	x.plan = o.must("plan").plan()
	x.from = o.must("from").moment()
	x.until, x.untilAt = o.moment("until")
	if t, ok := o.maybe("term"); ok {
		x.term, x.termAt = t.term(), t.at
	}
	if r, ok := o.maybe("renew"); ok {
		r.oneOf("auto")
		x.renew = true
	}
	if l, ok := o.maybe("late"); ok {
		x.late = l.oneOf(lateBill, lateReport)
	}
	if f, ok := o.maybe("overrides"); ok {
		for _, e := range f.object().entries {
			x.overrides = append(x.overrides, readOverride(e))
		}
	}
	for _, e := range o.maybeList("changes") {
		f := e.object()
		x.changes = append(x.changes, change{at: e.at, when: f.must("at").moment(), plan: f.must("plan").plan()})
		f.done()
	}
	for _, e := range o.maybeList("addons") {
		x.addons = append(x.addons, readAddon(x, e))
	}
	for _, e := range o.maybeList("packages") {
		x.packages = append(x.packages, readPack(x, e))
	}
	for _, e := range o.maybeList("orders") {
		x.orders = append(x.orders, readOrder(e))
	}
	for _, e := range o.maybeList("bills") {
		f := e.object()
		b := bill{at: e.at, pushed: f.must("pushed").moment()}
		month := f.must("month")
		if s := month.text(); !month.missing() {
			var err error
			if b.month, err = ParseMonth(s); err != nil {
				o.doc.fail(month.at, "%v", err)
			}
		}
		b.paid, _ = f.moment("paid")
		f.done()
		x.bills = append(x.bills, b)
	}
	x.cancelled.Moment, x.cancelled.at = o.moment("cancelled")
	x.disabled.Moment, x.disabled.at = o.moment("disabled")
	o.done()
	return x
}

func readOverride(e entry) override {
	dot := strings.LastIndexByte(e.key, '.')
	x := override{at: e.at}
	if dot < 0 {
		e.value.doc.fail(e.at, "override %q: want meter.field, such as mau.free", e.key)
		return x
	}
	x.meter, x.field = e.key[:dot], e.key[dot+1:]
	switch x.field {
	case "free":
		x.value = e.value.quantity()
	case "block":
		if x.value = e.value.quantity(); !e.value.missing() && !x.value.IsPositive() {
			e.value.doc.fail(e.value.at, "a block of 0 units")
		}
	case "unit_price":
		x.value = e.value.price()
	default:
		known := []string{"free", "unit_price", "block"}
		e.value.doc.fail(e.at, "unknown field %q%s; known are %s", x.field, didYouMean(x.field, known), strings.Join(known, ", "))
	}
	return x
}

func readAddon(x *account, v value) addon {
	o := v.object()
	item := o.must("item")
	a := addon{at: v.at, item: item.text(), itemAt: item.at, from: o.must("from").moment()}
	a.until, _ = o.moment("until")
	if q, ok := o.maybe("quantity"); ok {
		n := q.quantity()
		if !q.missing() && !n.IsPositive() {
			o.doc.fail(q.at, "quantity 0: leave the add-on out")
		}
		a.quantity, a.quantityAt = &n, q.at
	}
	if p, ok := o.maybe("option"); ok {
		a.option, a.optionAt = p.integer(), p.at
	}
	a.app = ownApp(x, o)
	o.done()
	return a
}

func readPack(x *account, v value) pack {
	o := v.object()
	item := o.must("item")
	p := pack{at: v.at, item: item.text(), itemAt: item.at, bought: o.must("bought").moment(), price: o.must("price").price()}
	if q, ok := o.maybe("quantity"); ok {
		n := q.quantity()
		p.quantity = &n
	}
	if m, ok := o.maybe("mau"); ok {
		p.mau, p.mauAt = m.integer(), m.at
	}
	if r, ok := o.maybe("remaining"); ok {
		n := r.quantity()
		p.remaining, p.leftAt = &n, r.at
		if p.quantity != nil && n.GreaterThan(*p.quantity) {
			o.doc.fail(r.at, "%s remain of %s", n, p.quantity)
		}
	}
	if t, ok := o.maybe("term"); ok {
		p.term = t.term()
	}
	p.app = ownApp(x, o)
	o.done()
	return p
}

func readOrder(v value) order {
	o := v.object()
	r := order{at: v.at, when: o.must("at").moment(), listed: true}
	if p, ok := o.maybe("plan"); ok {
		ref := p.plan()
		r.plan = &ref
	}
	if t, ok := o.maybe("term"); ok {
		r.term = t.term()
	}
	for _, f := range []string{"cash", "credit", "voucher"} {
		p, ok := o.maybe(f)
		if !ok {
			continue
		}
		r.listed = false
		switch f {
		case "cash":
			r.cash = p.price()
		case "credit":
			r.credit = p.price()
		case "voucher":
			r.voucher = p.price()
		}
	}
	o.done()
	return r
}

// ownApp reads the optional field app, one of the account's.
func ownApp(x *account, o *object) string {
	v, ok := o.maybe("app")
	if !ok {
		return ""
	}
	app := v.text()
	if !v.missing() && !slices.Contains(x.apps, app) {
		o.doc.fail(v.at, "app %q is not one of the account's%s", app, didYouMean(app, x.apps))
	}
	return app
}

func (v value) limited(most int) string {
	s := v.text()
	if len(s) > most && !v.missing() {
		v.doc.fail(v.at, "is %d bytes long, more than %d", len(s), most)
	}
	return s
}

func (v value) plan() planRef {
	s := v.text()
	book, plan, ok := strings.Cut(s, "/")
	if !v.missing() && (!ok || book == "" || plan == "" || strings.Contains(plan, "/")) {
		v.doc.fail(v.at, "plan %q: want book/plan", s)
	}
	return planRef{v.at, s}
}

func (o *object) moment(field string) (*Moment, place) {
	v, ok := o.maybe(field)
	if !ok {
		return nil, place{}
	}
	m := v.moment()
	return &m, v.at
}

func (o *object) maybeList(field string) []value {
	v, ok := o.maybe(field)
	if !ok {
		return nil
	}
	return v.list()
}

// String returns the date or the time as it was written.
func (m Moment) String() string {
	if m.instant.IsZero() {
		return m.date.String()
	}
	return m.instant.Format("2006-01-02T15:04:05Z07:00")
}
