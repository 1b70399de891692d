package reprice_test

import (
	"flag"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"headcount/rating"
	"headcount/rating/catalog"
	"headcount/verify/reprice"
)

// further is a book with the price models and readings that no built-in book takes.
const further = `
book: further
title: A further book
source: made up
date: 2026-01-01
currency: KWD
minor_digits: 3
rules:
  quota_per: account
  plan_of_month: first
  partial_month: share_of_days
  partial_block: free
  deduct_from_day: 5
  deduct_until_day: 9
  billed: daily
  plan_fee: ahead
  plan_change: refund_and_buy
  refund: elapsed_days
  package_effect: same_day
  draw: by_month
  draw_order: [resource_package, package, free]
  resource_package_order: earliest_bought
meters:
  mau: {title: users, aggregate: unique, kinds: [login]}
  calls: {title: calls, aggregate: counter}
  peak: {title: peak, aggregate: gauge}
  share: {title: shares, aggregate: unique, kinds: [open]}
  minutes: {title: minutes, aggregate: counter}
plans:
  base:
    title: Base
    fee: "30"
    term: 1 month
    charges:
      mau: {model: graduated, free: "100", tiers: [{up_to: "50", unit_price: "0.1"}, {up_to: "150", unit_price: "0.05"}, {unit_price: "0.0101"}]}
      calls: {model: blocks, free: "10", block: "7", unit_price: "2.0005"}
      peak: {model: flat, free: "5", unit_price: "7.5"}
      share: {model: per_unit, unit_price: "0.0005", commitment: "3"}
      minutes: {model: daily_unit, free: "60", unit_price: "0.001", commitment: "0.01"}
  more:
    title: More
    fee: "60"
    term: 1 month
    charges:
      mau: {model: graduated, tiers: [{unit_price: "0.02"}], commitment: "5"}
      calls: {model: per_unit, unit_price: "0.0015"}
packages:
  calls: {title: calls, draws: calls, term: 1 month}
  bundle: {title: bundle, mau: {min: 10, max: 1000}, covers_per_month: {mau: mau, share: "300"}}
`

func books(t testing.TB) map[string][]byte {
	t.Helper()
	builtin, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	docs := builtin.Documents()
	docs["further.yaml"] = []byte(further)
	return docs
}

type dice struct{ *rand.Rand }

func (d dice) one(n int) bool            { return d.IntN(n) == 0 }
func pick[T any](d dice, from ...T) T    { return from[d.IntN(len(from))] }
func (d dice) day(from, days int) string { return at(from + d.IntN(days)) }
func at(day int) string {
	return time.Date(2025, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// moment is a date, or a time within it.
func (d dice) moment(from, days int) string {
	s := d.day(from, days)
	if d.one(4) {
		s += fmt.Sprintf("T%02d:%02d:00Z", d.IntN(24), d.IntN(60))
	}
	return s
}

var plans = map[string][]string{
	"tcsas": {"professional", "enterprise", "minigame", "poc"}, "tcmpp": {"pro", "enterprise", "poc-pro"}, "mpaas": {"standard"},
	"im": {"trial", "pro", "flagship"}, "chat": {"standard", "premium", "trial"}, "further": {"base", "more"},
}

var meters = map[string][]string{
	"tcsas": {"mau"}, "tcmpp": {"mau"}, "mpaas": {"push", "h5", "release", "gateway_calls"}, "im": {"peak_dau", "peak_groups"},
	"chat": {"mau", "push_calls", "push_messages", "search_stored", "search_requests"}, "further": {"mau", "calls", "peak", "share", "minutes"},
}

// account is the YAML of a random account; not all are accepted.
func (d dice) account(id string, apps []string) string {
	book := pick(d, slices.Sorted(maps.Keys(plans))...)
	plan := func() string { return book + "/" + pick(d, plans[book]...) }
	begin := d.IntN(120)
	f := []string{"id: " + id, "apps: [" + strings.Join(apps, ", ") + "]", "plan: " + plan(), "from: " + d.moment(begin, 1)}
	add := func(format string, args ...any) { f = append(f, fmt.Sprintf(format, args...)) }
	if d.one(4) {
		add("until: %s", d.moment(begin+1, 400))
	}
	if d.one(3) {
		add("term: %s", pick(d, "1 month", "2 months", "3 months", "1 year", "13 months"))
	}
	if d.one(3) {
		add("renew: auto")
	}
	if d.one(4) {
		add("late: report")
	}
	if book == "mpaas" || d.one(3) {
		m := pick(d, meters[book]...)
		fees := pick(d, "", fmt.Sprintf(`, plan.fee: "%d.5"`, d.IntN(200)))
		for item, of := range map[string]string{"rooms": "im", "bandwidth": "im", "push": "chat", "chatbot_messages": "chat", "security-armor-annual": "mpaas"} {
			if of == book && (of == "mpaas" || d.one(2)) {
				fees += fmt.Sprintf(`, %s.fee: "%d.25"`, item, d.IntN(500))
			}
		}
		add(`overrides: {%s.free: "%d"%s}`, m, d.IntN(30000), pick(d, "", fmt.Sprintf(`, %s.unit_price: "0.0%d"`, m, d.IntN(1000)), fmt.Sprintf(`, %s.block: "%d"`, m, 1+d.IntN(20000)))+fees)
	}
	if d.one(3) {
		if d.one(6) {
			book = pick(d, slices.Sorted(maps.Keys(plans))...)
		}
		first := d.moment(begin+1, 150)
		if d.one(3) { // at a renewal
			y, m, of := time.Date(2025, 1, 1+begin, 0, 0, 0, 0, time.UTC).Date()
			first = time.Date(y, m+time.Month(1+d.IntN(4)), of, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		}
		c := []string{fmt.Sprintf("{at: %s, plan: %s}", first, plan())}
		if d.one(2) {
			c = append(c, fmt.Sprintf("{at: %s, plan: %s}", d.moment(begin+151, 60), plan()))
			if d.one(2) {
				c = append(c, fmt.Sprintf("{at: %s, plan: %s}", d.moment(begin+212, 90), plan()))
			}
		}
		add("changes: [%s]", strings.Join(c, ", "))
	}
	var addons, packages, orders, bills []string
	app := func() string {
		if d.one(3) {
			return ", app: " + pick(d, apps...)
		}
		return ""
	}
	for range d.IntN(4) {
		var x string
		switch book {
		case "im":
			x = pick(d, "item: rooms", "item: content_filter", "item: group_members", "item: history, option: 90", "item: history, option: 180", `item: bandwidth, quantity: "3"`)
		case "chat":
			x = pick(d, "item: push", "item: search", "item: desk", `item: chatbot_messages, quantity: "2"`, "item: call_group", `item: desk_agent, quantity: "4"`, `item: chatbot_starter, quantity: "3"`)
		case "mpaas":
			x = "item: security-armor-annual"
		default:
			continue
		}
		until := ""
		from := begin + d.IntN(200)
		if d.one(2) {
			until = ", until: " + d.moment(from+1, 120)
		}
		if strings.Contains(x, "desk_agent") && d.one(2) { // with a desk that ends before it, or goes on
			addons = append(addons, fmt.Sprintf("{item: desk, from: %s, until: %s}", at(from-1), at(from+20)))
			if d.one(2) {
				addons = append(addons, fmt.Sprintf("{item: desk, from: %s, until: %s}", at(from+20), at(from+50)))
			}
		}
		addons = append(addons, fmt.Sprintf("{%s, from: %s%s%s}", x, d.moment(from, 1), until, app()))
	}
	if book == "mpaas" && d.one(3) { // the one bought later expires first
		packages = append(packages, fmt.Sprintf(`{item: push, quantity: "40000", price: "1", bought: %s}`, at(begin)),
			fmt.Sprintf(`{item: push, quantity: "%d", price: "1", bought: %s, term: 3 months}`, 1+d.IntN(5000), at(begin+1+d.IntN(40))))
	}
	for range d.IntN(4) {
		bought := d.moment(max(0, begin-100), 400) + app()
		switch book {
		case "mpaas":
			packages = append(packages, pick(d,
				fmt.Sprintf(`{item: push, quantity: "%d", price: "900", bought: %s%s}`, d.IntN(pick(d, 100, 3000, 50000)), bought, pick(d, "", ", term: 2 months", ", term: 3 months", `, remaining: "0"`)),
				fmt.Sprintf(`{item: gateway_calls, quantity: "%d", price: "60.5", bought: %s}`, d.IntN(9000000), bought),
				fmt.Sprintf(`{item: mini-program, mau: %d, price: "55440", bought: %s, term: 3 months}`, 10000+d.IntN(9000), bought)))
		case "further":
			packages = append(packages, pick(d,
				fmt.Sprintf(`{item: calls, quantity: "%d", price: "1", bought: %s%s}`, d.IntN(3000), bought, pick(d, "", ", term: 1 year")),
				fmt.Sprintf(`{item: bundle, mau: %d, price: "7", bought: %s, term: 3 months}`, 10+d.IntN(900), bought)))
		}
	}
	if d.one(4) && (book == "chat" || book == "further") {
		day := begin
		for range 1 + d.IntN(3) {
			orders = append(orders, fmt.Sprintf("{at: %s, term: %s%s}", d.moment(day, 1), pick(d, "1 month", "2 months", "3 months"), pick(d, "", `, cash: "100.5", credit: "33"`, `, credit: "99", voucher: "10"`, `, cash: "0"`)))
			day += 1 + d.IntN(80)
		}
	}
	for range d.IntN(3) {
		pushed := begin + d.IntN(300)
		paid := ""
		if d.one(2) {
			paid = ", paid: " + d.moment(pushed+1, 40)
		}
		bills = append(bills, fmt.Sprintf("{month: 2026-01, pushed: %s%s}", d.moment(pushed, 1), paid))
	}
	for name, list := range map[string][]string{"addons": addons, "packages": packages, "orders": orders, "bills": bills} {
		if len(list) > 0 {
			add("%s: [%s]", name, strings.Join(list, ", "))
		}
	}
	if d.one(5) {
		add("%s: %s", pick(d, "cancelled", "disabled"), d.moment(begin+1, 300))
	}
	return "  - {" + strings.Join(f, ", ") + "}\n"
}

// usage is a random month of an app: meter, value, by day or not.
type usage map[string]map[string]reprice.Quantity

func (d dice) usage(apps []string, days int) usage {
	u := usage{}
	for _, app := range apps {
		u[app] = map[string]reprice.Quantity{}
		for book, names := range meters {
			for _, m := range names {
				if d.one(3) && book != "chat" {
					continue
				}
				q := reprice.Quantity{Value: new(big.Rat)}
				most := pick(d, 1, 150, 20000, 300000)
				if d.one(2) && !strings.HasPrefix(m, "peak") {
					q.Days = map[int]*big.Rat{}
					for range d.IntN(10) {
						q.Days[1+d.IntN(days)] = big.NewRat(int64(d.IntN(most/5+1)), 1)
					}
					for _, n := range q.Days {
						q.Value.Add(q.Value, n)
					}
				}
				if q.Days == nil || d.one(3) {
					q.Value.Add(q.Value, big.NewRat(int64(d.IntN(most)), 1))
				}
				if d.one(6) && q.Days == nil {
					q.Value = big.NewRat(pick[int64](d, 0, 10000, 10001, 20000, 20001, 200000, 200001, 100000, 100001, 30000000, 30010001, 1500000, 1530001), 1)
				}
				u[app][m] = q
			}
		}
	}
	return u
}

// more is the usage with what came late of it.
func (d dice) more(u usage) usage {
	out := usage{}
	for app, all := range u {
		out[app] = maps.Clone(all)
		for m, q := range all {
			if len(q.Days) > 0 && d.one(3) { // devices that came first on an earlier day, and no more of them
				days := slices.Sorted(maps.Keys(q.Days))
				from := days[len(days)-1]
				to, n := 1+d.IntN(from), q.Days[from]
				q.Days = maps.Clone(q.Days)
				q.Days[from] = new(big.Rat)
				if q.Days[to] == nil {
					q.Days[to] = new(big.Rat)
				}
				q.Days[to] = new(big.Rat).Add(q.Days[to], n)
				out[app][m] = q
				continue
			}
			if d.one(3) {
				n := big.NewRat(int64(d.IntN(30000)), 1)
				q.Value = new(big.Rat).Add(q.Value, n)
				if q.Days != nil && d.one(2) {
					q.Days = maps.Clone(q.Days)
					day := 1 + d.IntN(28)
					was := q.Days[day]
					if was == nil {
						was = new(big.Rat)
					}
					q.Days[day] = new(big.Rat).Add(was, n)
				}
				out[app][m] = q
			}
		}
	}
	return out
}

func (u usage) apps(month string) (out []rating.AppUsage) {
	for _, app := range slices.Sorted(maps.Keys(u)) {
		a := rating.AppUsage{App: app}
		for _, m := range slices.Sorted(maps.Keys(u[app])) {
			q := u[app][m]
			x := rating.MeterUsage{Meter: m, Exact: q.Value.Num().Int64()}
			for _, d := range slices.Sorted(maps.Keys(q.Days)) {
				x.Days = append(x.Days, rating.DayValue{Day: fmt.Sprintf("%s-%02d", month, d), Value: q.Days[d].Num().Int64()})
			}
			a.Meters = append(a.Meters, x)
		}
		out = append(out, a)
	}
	return out
}

func (u usage) of(app, meter string) reprice.Quantity { return u[app][meter] }

// lineText writes what matters of a line; both sides are compared as sorted texts.
func theirs(v *rating.Invoice) []string {
	var out []string
	n := func(s string) string {
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			return "no number: " + s
		}
		return reprice.Text(r)
	}
	for _, l := range v.Lines {
		out = append(out, fmt.Sprintf("line %s %s %s: %s free %s billable %s at %s: %s", l.App, l.Meter, l.Item, n(l.Quantity), n(l.Free), n(l.Billable), n(l.UnitPrice), n(l.Amount)))
	}
	for _, p := range v.Prepaid {
		out = append(out, fmt.Sprintf("prepaid %s %s %s %s to %s: %s for %s", p.Date, p.App, p.Item, p.From, p.Until, n(p.Amount), n(p.Quantity)))
	}
	for _, b := range v.Balances {
		out = append(out, fmt.Sprintf("left %s %s %s to %s: %s of %s, %s drawn", b.Package, b.Item, b.From, b.Until, n(b.Remaining), n(b.Quantity), n(b.Drawn)))
	}
	for i, d := range v.Daily {
		out = append(out, fmt.Sprintf("day %d: %s", i+1, n(d.Amount)))
	}
	sort.Strings(out)
	return append(out, fmt.Sprintf("%s %s %s total %s, held %v, %s to %s", v.Account, v.Plan, v.Currency, n(v.Total), v.Status == rating.StatusHeld, v.DeductFrom, v.DeductUntil))
}

func ours(v *reprice.Invoice) []string {
	var out []string
	n := reprice.Text
	for _, l := range v.Lines {
		out = append(out, fmt.Sprintf("line %s %s %s: %s free %s billable %s at %s: %s", l.App, l.Meter, l.Item, n(l.Quantity), n(l.Free), n(l.Billable), n(l.UnitPrice), n(l.Amount)))
	}
	for _, p := range v.Prepaid {
		out = append(out, fmt.Sprintf("prepaid %s %s %s %s to %s: %s for %s", p.Date, p.App, p.Item, p.From, p.Until, n(p.Amount), n(p.Quantity)))
	}
	for _, b := range v.Left {
		out = append(out, fmt.Sprintf("left %s %s %s to %s: %s of %s, %s drawn", b.Package, b.Item, b.From, b.Until, n(b.Remaining), n(b.Quantity), n(b.Drawn)))
	}
	for i, d := range v.Daily {
		out = append(out, fmt.Sprintf("day %d: %s", i+1, n(d)))
	}
	sort.Strings(out)
	return append(out, fmt.Sprintf("%s %s %s total %s, held %v, %s to %s", v.Account, v.Plan, v.Currency, n(v.Total), v.Held, v.DeductFrom, v.DeductUntil))
}

// agreeCases is how many random accounts are rated by both, four months each, with what comes late of each.
var agreeCases = flag.Int("agree-cases", 300, "random accounts files that both raters rate")

// TestAgree rates random accounts of all books by both raters, months in a row, and settles what came late.
func TestAgree(t *testing.T) {
	docs := books(t)
	cat, err := rating.ParseCatalog(docs)
	if err != nil {
		t.Fatal(err)
	}
	var zones []*time.Location
	for _, name := range []string{"UTC", "Asia/Shanghai", "America/Los_Angeles"} {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, z)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	seen := map[string]int{}
	cases := *agreeCases
	if testing.Short() {
		cases /= 5
	}
	for i := 0; i < cases && !t.Failed(); {
		d := dice{rand.New(rand.NewPCG(seed, uint64(i)+uint64(seen["refused"])<<32))}
		text := "accounts:\n" + d.account("acme", []string{"a", "b"})
		if d.one(3) {
			text += d.account("other", []string{"c"})
		}
		if d.one(3) {
			text += d.account("third", []string{"b", "d"})
		}
		accounts, err := rating.ParseAccounts("accounts.yaml", []byte(text))
		zone := pick(d, zones...)
		if err == nil {
			err = accounts.Check(cat, zone)
		}
		if err != nil {
			seen["refused"]++
			continue
		}
		i++
		sheet, err := reprice.Read(docs, []byte(text), zone)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		agreeOn(t, d, text, cat, accounts, sheet, zone, seen)
	}
	t.Logf("%v", seen)
	for _, what := range []string{"tcsas", "tcmpp", "mpaas", "im", "chat", "further", "revision", "left", "prepaid", "held"} {
		if seen[what] == 0 && cases >= 300 {
			t.Errorf("no case has %s", what)
		}
	}
}

func agreeOn(t *testing.T, d dice, text string, cat *rating.Catalog, accounts *rating.Accounts, sheet *reprice.Sheet, zone *time.Location, seen map[string]int) {
	t.Helper()
	apps := []string{"a", "b", "c", "d"}
	var balances []rating.Balance
	left := map[string]map[string]*big.Rat{}
	year, month := 2025, time.Month(1+d.IntN(11))
	for range 4 {
		first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
		name := first.Format("2006-01")
		u := d.usage(apps, first.AddDate(0, 1, -1).Day())
		of, err := rating.ParseMonth(name)
		if err != nil {
			t.Fatal(err)
		}
		in := rating.Input{Month: of, Zone: zone, Usage: rating.Usage{Month: of, Apps: u.apps(name)}, Accounts: accounts, Catalog: cat, Balances: balances}
		got, err := rating.Rate(in)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		m, err := sheet.Period(first.Year(), first.Month())
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		want, err := m.Rate(u.of, left)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		differ := func(what string, a, b []string) {
			t.Helper()
			if !slices.Equal(a, b) {
				t.Errorf("%s, %s, %s: rating alone has\n  %s\nverify alone has\n  %s\nof\n%s", what, name, zone, strings.Join(without(a, b), "\n  "), strings.Join(without(b, a), "\n  "), text)
			}
		}
		var billed []string
		for _, v := range got {
			billed = append(billed, v.Account)
		}
		differ("accounts with an invoice", slices.Sorted(slices.Values(billed)), slices.Sorted(maps.Keys(want)))
		next := map[string]map[string]*big.Rat{}
		for i := range got {
			v := &got[i]
			x := want[v.Account]
			if x == nil { // differ has said so
				continue
			}
			differ(v.Account, theirs(v), ours(x))
			halfAUnit(t, v, x)
			next[v.Account] = map[string]*big.Rat{}
			for _, l := range x.Left {
				next[v.Account][l.Package] = l.Remaining
				seen["left"]++
			}
			seen[strings.Split(v.Plan, "/")[0]]++
			seen["prepaid"] += len(x.Prepaid)
			if x.Held {
				seen["held"]++
			}
		}
		late := d.more(u)
		in.Usage.Apps = late.apps(name)
		settled, err := rating.RateLate(in, got, of)
		if err != nil {
			t.Fatal(err)
		}
		all, err := m.Rate(late.of, left)
		if err != nil {
			t.Fatal(err)
		}
		for account, v := range all {
			billed := map[reprice.Subject]reprice.Billed{}
			for _, l := range want[account].Lines {
				billed[reprice.Subject{App: l.App, Meter: l.Meter}] = reprice.Billed{Quantity: l.Quantity, Billable: l.Billable, Amount: l.Amount}
			}
			lines := v.Differences(billed)
			i := slices.IndexFunc(settled, func(s rating.Invoice) bool { return s.Account == account })
			if len(lines) == 0 || i < 0 {
				if len(lines) > 0 || i >= 0 {
					t.Errorf("%s: %d lines of what came late, a revision: %v\n%s", name, len(lines), i >= 0, text)
				}
				continue
			}
			seen["revision"]++
			revision := &reprice.Invoice{Lines: lines, Total: new(big.Rat)}
			stood := map[string]reprice.Standing{}
			for _, l := range want[account].Left {
				stood[l.Package] = reprice.Standing{Drawn: l.Drawn, Remaining: l.Remaining}
			}
			if v.Late {
				revision.Left = v.Settled(lines, stood)
			}
			s := settled[i]
			s.Prepaid, s.Daily = nil, nil
			differ("late of "+account, theirs(&s)[:len(s.Lines)+len(s.Balances)], ours(revision)[:len(lines)+len(revision.Left)])
			for _, l := range revision.Left {
				next[account][l.Package] = l.Remaining
			}
		}
		balances = rating.Balances(append(got, settled...))
		left = next
		month++
		if d.one(4) {
			month++ // a month nobody rates: its balances carry over all the same
		}
	}
}

// halfAUnit says that a total is never further from the exact sum than half a minor unit a line.
func halfAUnit(t *testing.T, v *rating.Invoice, x *reprice.Invoice) {
	t.Helper()
	apart, ok := new(big.Rat).SetString(v.Total)
	if !ok {
		t.Fatalf("total %q", v.Total)
	}
	for _, l := range x.Lines {
		apart.Sub(apart, l.Exact)
	}
	unit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(x.Digits)), nil))
	if most := new(big.Rat).Mul(unit, big.NewRat(int64(len(x.Lines)), 2)); apart.Abs(apart).Cmp(most) > 0 {
		t.Errorf("%s of %s: total %s is %s from the exact sum of %d lines", v.Account, v.Month, v.Total, apart, len(x.Lines))
	}
}

func without(a, b []string) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}
