package rating_test

import (
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

// A second, plain rater: days as integers, money as big.Rat, prices written out, nothing shared with the package but the
// accounts file it reads. Random accounts are rated by both.

type day int // since 1970-01-01

func date(y int, m time.Month, d int) day {
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func (d day) String() string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

func (d day) civil() (int, time.Month, int) { return time.Unix(int64(d)*86400, 0).UTC().Date() }

// plus adds months and clamps, the slow way: back from the anchor's day until the date exists.
func (d day) plus(months int) day {
	y, m, dd := d.civil()
	for ; ; dd-- {
		if e := date(y, m+time.Month(months), dd); func() bool { _, _, got := e.civil(); return got == dd }() {
			return e
		}
	}
}

// cents rounds half away from zero.
func cents(r *big.Rat) int64 {
	n := new(big.Int).Mul(r.Num(), big.NewInt(200))
	n.Add(n, r.Denom())
	return n.Quo(n, new(big.Int).Mul(r.Denom(), big.NewInt(2))).Int64()
}

func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic(s)
	}
	return r
}

func times(n int, price string) *big.Rat {
	return new(big.Rat).Mul(big.NewRat(int64(n), 1), rat(price))
}

func money(c int64) string { return fmt.Sprintf("%d.%02d", c/100, c%100) }

func ceil(n, block int) int { return (n + block - 1) / block }

type dice struct{ *rand.Rand }

func (d dice) day(from, until day) day { return from + day(d.IntN(int(until-from))) }
func (d dice) flip() bool              { return d.IntN(2) == 0 }

// plainCases is how many random accounts of each kind are rated by both.
var plainCases = flag.Uint64("plain-cases", 400, "random accounts of each of the four kinds that the plain rater rates too")

// TestPlainRater holds Rate against the plain rater, on all processors.
func TestPlainRater(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	workers := uint64(runtime.GOMAXPROCS(0))
	for _, kind := range []struct {
		name string
		run  func(*testing.T, dice)
	}{{"per unit", plainUnits}, {"packages", plainPackages}, {"prepaid", plainPrepaid}, {"monthly", plainMonthly}} {
		for w := range workers {
			t.Run(fmt.Sprintf("%s %d of %d", kind.name, w+1, workers), func(t *testing.T) {
				t.Parallel()
				n := 0
				for i := w; i < *plainCases; i += workers {
					kind.run(t, dice{rand.New(rand.NewPCG(seed, i))})
					if n++; t.Failed() {
						t.Fatalf("seed %d, round %d", seed, i)
					}
				}
				t.Logf("%d cases agree, seed %d", n, seed)
			})
		}
	}
}

// plainUnits has the two books whose plans are priced per unit above a quota.
func plainUnits(t *testing.T, d dice) {
	type price struct {
		id, price string
		free      int
	}
	books := [][]price{
		{{"tcmpp/pro", "0.015", 200000}, {"tcmpp/enterprise", "0.01", 1000000}, {"tcmpp/poc-pro", "0", 200}, {"tcmpp/poc-enterprise", "0", 500}},
		{{"tcsas/professional", "0.015", 0}, {"tcsas/enterprise", "0.01", 0}, {"tcsas/exclusive", "0.01", 0}, {"tcsas/poc", "0", 0}},
	}
	b := d.IntN(2)
	plans := books[b]
	first := plans[d.IntN(4)]
	from := d.day(date(2024, 1, 1), date(2026, 6, 1))
	fields := []string{"apps: [a, b, c]", "plan: " + first.id, "from: " + from.String()}
	end := date(2100, 1, 1)
	switch {
	case d.IntN(3) == 0:
		end = from + 1 + day(d.IntN(900))
		fields = append(fields, "until: "+end.String())
	case b == 0 && !strings.Contains(first.id, "poc"):
		end = from.plus(12)
	}
	steps := map[day]price{from: first}
	if second := plans[d.IntN(4)]; second != first && d.flip() {
		at := from + 1 + day(d.IntN(500))
		steps[at] = second
		fields = append(fields, fmt.Sprintf("changes: [{at: %s, plan: %s}]", at, second.id))
		if b == 0 && strings.Contains(first.id, "poc") && !strings.Contains(second.id, "poc") && end == date(2100, 1, 1) && at > from {
			end = at.plus(12) // bought then
		}
	}
	free, unit := -1, ""
	if d.IntN(3) == 0 {
		free = d.IntN(300000)
		fields = append(fields, fmt.Sprintf(`overrides: {mau.free: "%d", mau.unit_price: "0.0123"}`, free))
		unit = "0.0123"
	}
	s := open(t, account(fields...))
	y, m := 2024+d.IntN(3), time.Month(1+d.IntN(12))
	begin, over := date(y, m, 1), date(y, m+1, 1)
	var usage []rating.AppUsage
	want := int64(0)
	last := min(end, over) - 1
	inForce := from < over && last >= begin && end > from
	plan := first
	for _, at := range sortedDays(steps) {
		if at <= last {
			plan = steps[at]
		}
	}
	for _, app := range []string{"a", "b", "c"} {
		n := []int{0, plan.free, plan.free + 1, d.IntN(2000000)}[d.IntN(4)]
		usage = append(usage, useOf(app, "mau", n))
		quota, each := plan.free, plan.price
		if free >= 0 {
			quota, each = free, unit
		}
		if strings.Contains(plan.id, "poc") {
			each = "0"
		}
		want += cents(times(max(0, n-quota), each))
	}
	out := s.rate(fmt.Sprintf("%04d-%02d", y, m), usage...)
	switch {
	case !inForce && len(out) > 0:
		t.Errorf("%q, %d-%d: an invoice, want none", fields, y, m)
	case inForce && (len(out) != 1 || out[0].Total != money(want)):
		t.Errorf("%q, %d-%d: %s, want %s", fields, y, m, show(out), money(want))
	}
}

func sortedDays[T any](m map[day]T) []day {
	var out []day
	for d := range m {
		out = append(out, d)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// plainPackages draws devices and calls of three months down on packages, day by day.
func plainPackages(t *testing.T, d dice) {
	type pack struct {
		item        string
		from, until day
		left        int
	}
	free := d.IntN(200)
	fields := []string{"apps: [a]", "plan: mpaas/standard", "from: 2026-01-01", fmt.Sprintf(`overrides: {push.free: "%d"}`, free), "packages:"}
	var packs []*pack
	for range d.IntN(4) {
		item := []string{"push", "gateway_calls"}[d.IntN(2)]
		bought := d.day(date(2025, 3, 1), date(2026, 5, 1))
		p := &pack{item, bought + 1, (bought + 1).plus(12), d.IntN(3000)}
		if item == "gateway_calls" {
			p.left *= 20
		}
		packs = append(packs, p)
		fields = append(fields, fmt.Sprintf(`  - {item: %s, quantity: "%d", price: "1", bought: %s}`, item, p.left, bought))
	}
	if len(packs) == 0 {
		fields = fields[:len(fields)-1]
	}
	s := open(t, account(fields...))
	sort.SliceStable(packs, func(i, j int) bool { return packs[i].until < packs[j].until })
	for m := time.March; m <= time.May; m++ {
		var devices, calls []any
		quota, soFar, callsSoFar := free, 0, 0
		var charged []int64
		before := int64(0)
		for at := date(2026, m, 1); at < date(2026, m+1, 1); at++ {
			n, c := d.IntN(150), d.IntN(5000)
			devices, calls = append(devices, at.String(), n), append(calls, at.String(), c)
			take := min(n, quota)
			n, quota = n-take, quota-take
			for _, p := range packs {
				if at >= p.from && at < p.until {
					amount := &n
					if p.item != "push" {
						amount = &c
					}
					take := min(*amount, p.left)
					*amount, p.left = *amount-take, p.left-take
				}
			}
			soFar, callsSoFar = soFar+n, callsSoFar+c
			now := cents(times(soFar, "0.03")) + cents(times(ceil(callsSoFar, 10000), "0.15"))
			charged, before = append(charged, now-before), now
		}
		u := daily("push", devices...)
		u.Meters = append(u.Meters, daily("gateway_calls", calls...).Meters...)
		v := s.one(fmt.Sprintf("2026-%02d", m), u)
		if v.Total != money(before) {
			t.Errorf("%q, %s: %s, want %s\n%s", fields, m, v.Total, money(before), show(v))
		}
		for i, want := range charged {
			if v.Daily[i].Amount != money(want) {
				t.Errorf("%q: %s, want %s", fields, show(v.Daily[i]), money(want))
			}
		}
		left := 0
		for _, p := range packs {
			if p.until > date(2026, m, 1) && p.from-1 < date(2026, m+1, 1) {
				left += p.left
			}
		}
		got := 0
		for _, b := range v.Balances {
			var n int
			fmt.Sscan(b.Remaining, &n)
			got += n
		}
		if got != left {
			t.Errorf("%q, %s: %d left, want %d", fields, m, got, left)
		}
		s.balances = rating.Balances([]rating.Invoice{v})
	}
}

// plainPrepaid has a prepaid plan that expires: the month of its expiry counts whole.
func plainPrepaid(t *testing.T, d dice) {
	from := d.day(date(2026, 1, 1), date(2026, 6, 1))
	months := 1 + d.IntN(4)
	expiry := from.plus(months)
	s := open(t, account("plan: chat/standard", "from: "+from.String(), fmt.Sprintf("term: %d months", months)))
	m := time.Month(1 + d.IntN(12))
	begin, over := date(2026, m, 1), date(2026, m+1, 1)
	n := []int{0, 10000, 10001, d.IntN(100000)}[d.IntN(4)]
	inUse := 0
	for at := begin; at < over; at++ {
		if at >= from && at <= expiry { // on the day after expiry it is suspended
			inUse++
		}
	}
	out := s.rate(fmt.Sprintf("2026-%02d", m), use("mau", n))
	if inUse == 0 {
		if len(out) != 0 {
			t.Errorf("from %s, %d months, %s: an invoice", from, months, m)
		}
		return
	}
	exact := times(max(0, n-10000), "0.015")
	if len(out) != 1 || out[0].Total != money(cents(exact)) {
		t.Errorf("from %s, %d months, %s, %d: %s, want %s", from, months, m, n, show(out), money(cents(exact)))
	}
	paid := ""
	if from >= begin && from < over {
		paid = money(int64(39900 * months))
	}
	if len(out) == 1 && (paid != "" && (len(out[0].Prepaid) != 1 || out[0].Prepaid[0].Amount != paid) || paid == "" && len(out[0].Prepaid) != 0) {
		t.Errorf("from %s, %d months, %s: %s, want %q", from, months, m, show(out[0].Prepaid), paid)
	}
	if at := from + day(d.IntN(int(expiry-from))); true {
		k := 0
		for from.plus(k+1) <= at {
			k++
		}
		used := big.NewRat(399*int64(at-from.plus(k)+1), int64(from.plus(k+1)-from.plus(k)))
		want := money(cents(new(big.Rat).Sub(big.NewRat(399*int64(months-k), 1), used)))
		if got := s.at(at.String() + "T10:00:00Z").Refund; got.Amount != want {
			t.Errorf("from %s, %d months, refunded %s: %s (%s), want %s", from, months, at, got.Amount, got.How, want)
		}
	}
}

// plainMonthly has plan fees, blocks and add-ons of the book that settles them after the month.
func plainMonthly(t *testing.T, d dice) {
	fee := map[string]int64{"im/trial": 0, "im/pro": 14999, "im/flagship": 44999}
	ids := []string{"im/trial", "im/pro", "im/flagship"}
	from := d.day(date(2026, 1, 1), date(2026, 4, 1))
	steps := map[day]string{from: ids[d.IntN(3)]}
	at := from + 1 + day(d.IntN(100))
	if next := ids[1+d.IntN(2)]; next != steps[from] && d.flip() {
		steps[at] = next
	}
	fields := []string{"plan: " + steps[from], "from: " + from.String()}
	if len(steps) == 2 {
		fields = append(fields, fmt.Sprintf("changes: [{at: %s, plan: %s}]", at, steps[at]))
	}
	var on, off day
	if steps[from] != "im/trial" {
		on = from + day(d.IntN(120))
		off = on + 1 + day(d.IntN(100))
		fields = append(fields, fmt.Sprintf("addons: [{item: content_filter, from: %s, until: %s}]", on, off))
	}
	s := open(t, account(fields...))
	for m := time.January; m <= time.July; m++ {
		begin, over := date(2026, m, 1), date(2026, m+1, 1)
		within := func(x day) bool { return x >= begin && x < over }
		if from >= over {
			if out := s.rate(fmt.Sprintf("2026-%02d", m)); len(out) != 0 {
				t.Errorf("%q, %s: an invoice", fields, m)
			}
			continue
		}
		plan, dearest, changed, activated := "", int64(0), false, day(0)
		for i, x := range sortedDays(steps) {
			if x >= over {
				break
			}
			days := sortedDays(steps)
			if i+1 == len(days) || days[i+1] > begin {
				dearest = max(dearest, fee[steps[x]])
			}
			plan, changed = steps[x], changed || within(x)
			if activated == 0 && steps[x] != "im/trial" {
				activated = x
			}
		}
		want := int64(0)
		if !within(activated) {
			want += dearest
		}
		users, groups := d.IntN(60000), d.IntN(600000)
		if plan != "im/trial" {
			want += 14999 * int64(ceil(max(0, users-10000), 10000)+ceil(max(0, groups-100000), 100000))
		}
		if on < over && off > begin && off > 0 && !(within(on) && changed) {
			want += 14999
		}
		if v := s.one(fmt.Sprintf("2026-%02d", m), use("peak_dau", users, "peak_groups", groups)); v.Total != money(want) {
			t.Errorf("%q, %s, %d users, %d groups: %s, want %s\n%s", fields, m, users, groups, v.Total, money(want), show(v.Lines))
		}
	}
}
