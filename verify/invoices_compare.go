package verify

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"headcount/verify/report"
	"headcount/verify/reprice"
)

// compareInvoice compares a first revision with what the second rating says.
func compareInvoice(x *invoice, want *reprice.Invoice, r *report.Report) {
	same := func(what string, got, want any) { r.Same("invoices", got, want, "%s: %s", x.place(), what) }
	same("plan", x.Plan, want.Plan)
	same("currency", x.Currency, want.Currency)
	same("deduct_from", x.DeductFrom, want.DeductFrom)
	same("deduct_until", x.DeductUntil, want.DeductUntil)
	same("total", reprice.Text(decimal(x.Total)), reprice.Text(want.Total))
	if want.Held {
		same("held, for a price by day whose days are not known", x.Status, "held")
	}
	compareLines(x, want.Lines, want.Version, r)
	comparePrepaid(x, want.Prepaid, r)
	compareLeft(x, want.Left, r)
	same("days billed", len(x.Daily), len(want.Daily))
	for i, d := range x.Daily {
		if i < len(want.Daily) {
			r.Same("lines", reprice.Text(decimal(d.Amount)), reprice.Text(want.Daily[i]), "%s: bill of %s", x.place(), d.Day)
		}
	}
}

// compareLines compares lines with those wanted. Lines about the same are taken in order.
func compareLines(x *invoice, want []reprice.Line, version string, r *report.Report) {
	type subject struct{ app, meter, item string }
	open := map[subject][]reprice.Line{}
	for _, l := range want {
		k := subject{l.App, l.Meter, l.Item}
		open[k] = append(open[k], l)
	}
	for _, l := range x.Lines {
		k := subject{l.App, l.Meter, l.Item}
		at := fmt.Sprintf("%s: app %s, %s%s", x.place(), l.App, l.Meter, l.Item)
		if len(open[k]) == 0 {
			r.Wrong("lines", at, "no such line", l.Amount)
			continue
		}
		w := open[k][0]
		open[k] = open[k][1:]
		for _, f := range []struct {
			what, got string
			want      *big.Rat
		}{{"quantity", l.Quantity, w.Quantity}, {"free", l.Free, w.Free}, {"billable", l.Billable, w.Billable}, {"unit price", l.UnitPrice, w.UnitPrice}, {"amount", l.Amount, w.Amount}} {
			r.Same("lines", reprice.Text(decimal(f.got)), reprice.Text(f.want), "%s: %s", at, f.what)
		}
		if l.Source != nil && version != "" {
			r.Same("lines", l.Source.Version, version, "%s: version of the book", at)
		}
	}
	for k, lines := range open {
		for _, l := range lines {
			r.Wrong("lines", fmt.Sprintf("%s: app %s, %s%s", x.place(), k.app, k.meter, k.item), "a line of "+reprice.Text(l.Amount), "none")
		}
	}
}

// comparePrepaid compares what was paid ahead, and back, with what is wanted.
func comparePrepaid(x *invoice, want []reprice.Prepaid, r *report.Report) {
	got, open := map[string]int{}, map[string]int{}
	text := func(date, app, item, from, until string, quantity, amount *big.Rat) string {
		return fmt.Sprintf("%s, app %q: %s of %s, %s to %s, for %s", date, app, reprice.Text(quantity), item, from, until, reprice.Text(amount))
	}
	for _, p := range x.Prepaid {
		got[text(p.Date, p.App, p.Item, p.From, p.Until, decimal(p.Quantity), decimal(p.Amount))]++
	}
	for _, p := range want {
		open[text(p.Date, p.App, p.Item, p.From, p.Until, p.Quantity, p.Amount)]++
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		r.Same("prepaid", got[name], open[name], "%s: paid ahead on %s: how often", x.place(), name)
		delete(open, name)
	}
	for _, name := range slices.Sorted(maps.Keys(open)) {
		r.Wrong("prepaid", x.place(), "paid ahead on "+name, "nothing of it")
	}
}

// compareLeft compares what is left of packages with what should be.
func compareLeft(x *invoice, want []reprice.Left, r *report.Report) {
	r.Same("packages", len(x.Balances), len(want), "%s: packages", x.place())
	for i, b := range x.Balances {
		if i >= len(want) {
			break
		}
		w := want[i]
		r.Same("packages", b.Package, w.Package, "%s: package %d", x.place(), i+1)
		for _, f := range []struct {
			what, got string
			want      *big.Rat
		}{{"quantity", b.Quantity, w.Quantity}, {"drawn", b.Drawn, w.Drawn}, {"remaining", b.Remaining, w.Remaining}} {
			r.Same("packages", reprice.Text(decimal(f.got)), reprice.Text(f.want), "%s: package %s: %s", x.place(), b.Package, f.what)
		}
	}
}
