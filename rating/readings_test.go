package rating_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

// The hard readings, by examples of their own: each row is a sum that can be done by hand beside the source.

// TestReadings prices a month of one account with app a. Lines are "name amount"; "-name" has no line; total always.
func TestReadings(t *testing.T) {
	for _, c := range []struct {
		name, account, month string
		use                  []any
		want                 string // "total; name amount; …"
	}{
		// The quota and the count of a month are whole, however short the plan was in force in it.
		{"one day", "plan: tcmpp/enterprise\nfrom: 2024-02-29", "2024-02", []any{"mau", 1000150}, "1.50"},
		{"the clamped last month", "plan: tcmpp/pro\nfrom: 2024-02-29\nterm: 1 year", "2025-02", []any{"mau", 200003}, "0.05"}, // until 02-28, exclusive
		{"the last plan decides, also of another book", "plan: tcmpp/pro\nfrom: 2026-01-01\nchanges: [{at: 2026-04-30T23:59:59Z, plan: tcsas/enterprise}]", "2026-04", []any{"mau", 7}, "0.07"},
		{"an override of one field leaves the others", `plan: tcmpp/pro` + "\nfrom: 2026-01-01\n" + `overrides: {mau.free: "5"}`, "2026-02", []any{"mau", 8}, "0.05"}, // 3 × 0.015 = 0.045
		{"a free price", `plan: tcsas/minigame` + "\nfrom: 2026-01-01\n" + `overrides: {mau.unit_price: "0"}`, "2026-02", []any{"mau", 8}, "0.00"},
		{"an override of blocks", `plan: im/flagship` + "\nfrom: 2026-01-01\n" + `overrides: {peak_groups.free: "0", peak_groups.block: "3", peak_groups.unit_price: "0.125"}`, "2026-01", []any{"peak_groups", 7}, "0.38; peak_groups 0.38"}, // 3 × 0.125 = 0.375
		{"an override of what an item charges", "plan: chat/premium\nfrom: 2026-01-01\nrenew: auto\naddons: [{item: search, from: 2026-01-01}]\n" + `overrides: {search_requests.free: "1", search_requests.block: "2"}`, "2026-02", []any{"search_requests", 6}, "12.00"},
		{"a proof of concept is free by contract too", `plan: tcmpp/poc-pro` + "\nfrom: 2026-01-01\n" + `overrides: {mau.unit_price: "9"}`, "2026-02", []any{"mau", 1000000}, "0.00"},

		// Add-ons of im: the version changed on 2026-03-20; from 2026-01-10 the first plan.
		{"free in the month of the change, also before it", imChange + "addons: [{item: content_filter, from: 2026-03-02, until: 2026-03-09}]", "2026-03", nil, "449.99; content_filter 0.00"},
		{"and charged from the next 1st", imChange + "addons: [{item: content_filter, from: 2026-03-02}]", "2026-04", nil, "599.98; content_filter 149.99"},
		{"off at the next 1st is off", imChange + "addons: [{item: content_filter, from: 2026-03-02, until: 2026-04-01}]", "2026-04", nil, "449.99; -content_filter"},
		{"one second into the month is the month", imChange + "addons: [{item: content_filter, from: 2026-03-02, until: 2026-04-01T00:00:01Z}]", "2026-04", nil, "599.98; content_filter 149.99"},
		{"on before the month of the change is charged in it", imChange + "addons: [{item: group_members, from: 2026-02-27}]", "2026-03", nil, "529.98; group_members 79.99"},
		{"a later month is charged whole, though off the same day", imChange + "addons: [{item: groups_per_user, from: 2026-05-31, until: 2026-05-31T00:30:00Z}]", "2026-05", nil, "599.98; groups_per_user 149.99"},
		{"history is free in its month though the version did not change", imChange + "addons: [{item: history, option: 180, from: 2026-05-02}]", "2026-05", nil, "449.99; history 0.00"},
		{"and charged in the next", imChange + "addons: [{item: history, option: 180, from: 2026-05-02}]", "2026-06", nil, "599.98; history 149.99"},
		{"the activation of the first plan is a change", imChange + "addons: [{item: rooms, from: 2026-01-31, until: 2026-02-10}]", "2026-01", nil, "0.00; rooms 0.00"},
		{"still on at the next 1st: that month whole", imChange + "addons: [{item: rooms, from: 2026-01-31, until: 2026-02-10}]", "2026-02", nil, "299.98; rooms 149.99"},
		{"the dearest version of the month", "plan: im/flagship\nfrom: 2026-01-10\nchanges: [{at: 2026-03-02, plan: im/pro}]", "2026-03", nil, "449.99"},
		{"a trial after it does not save the month", "plan: im/pro\nfrom: 2026-01-10\nchanges: [{at: 2026-03-02, plan: im/trial}]", "2026-03", []any{"peak_dau", 50000}, "149.99; peak_dau 0.00"},
		{"bandwidth: from-day counted, until-day not", imChange + `addons: [{item: bandwidth, quantity: "7", from: 2026-01-30, until: 2026-02-03}]`, "2026-01", nil, "9.66; bandwidth 9.66"},
		{"bandwidth: the second month", imChange + `addons: [{item: bandwidth, quantity: "7", from: 2026-01-30, until: 2026-02-03}]`, "2026-02", nil, "159.65; bandwidth 9.66"},
		{"bandwidth by times of day", imChange + `addons: [{item: bandwidth, quantity: "1", from: 2026-02-10T23:00:00Z, until: 2026-02-12T23:00:00Z}]`, "2026-02", nil, "151.37; bandwidth 1.38"},
		{"peaks: less than a block is one", "plan: im/pro\nfrom: 2026-01-10", "2026-01", []any{"peak_dau", 10001, "peak_groups", 300001}, "599.96; peak_dau 149.99; peak_groups 449.97"},

		// Chat: shares of a month of suspension; quota whole, rounded once.
		{"expired: whole", "plan: chat/premium\nfrom: 2026-01-15\nterm: 1 month", "2026-02", []any{"mau", 10100}, "1.50"},
		{"arrears", "plan: chat/standard\nfrom: 2026-01-01\nrenew: auto\nbills: [{month: 2026-03, pushed: 2026-04-02T18:00:00Z, paid: 2026-04-12T08:00:00Z}]", "2026-04", []any{"mau", 10100}, "1.05"}, // 2 + 19 of 30
		{"paid within 24 hours", "plan: chat/standard\nfrom: 2026-01-01\nrenew: auto\nbills: [{month: 2026-03, pushed: 2026-04-02T18:00:00Z, paid: 2026-04-03T18:00:00Z}]", "2026-04", []any{"mau", 10100}, "1.50"},
		{"suspended from before the month", "plan: chat/standard\nfrom: 2026-01-01\nrenew: auto\nbills: [{month: 2026-03, pushed: 2026-03-30, paid: 2026-04-30}]", "2026-04", []any{"mau", 10100}, "0.05"},                           // 1 of 30
		{"begun and suspended in the month", "plan: chat/standard\nfrom: 2026-04-11\nbills: [{month: 2026-03, pushed: 2026-04-20}]", "2026-04", []any{"mau", 10100}, "0.50"},                                                         // the 11th to the 20th
		{"blocks of a plugin too", "plan: chat/standard\nfrom: 2026-04-01\nbills: [{month: 2026-03, pushed: 2026-04-15}]\naddons: [{item: search, from: 2026-04-01}]", "2026-04", []any{"search_stored", 1500001}, "2.00; mau 0.00"}, // 4 × 15/30
		{"refunded: whole", "plan: chat/standard\nfrom: 2026-04-01\ncancelled: 2026-04-03", "2026-04", []any{"mau", 10100}, "1.50"},
		{"a plan that changes is not suspended", "plan: chat/standard\nfrom: 2026-04-01\nchanges: [{at: 2026-04-11, plan: chat/premium}]", "2026-04", []any{"mau", 10100}, "1.50"},
		{"a trial that becomes a plan", "plan: chat/trial\nfrom: 2026-04-01\nchanges: [{at: 2026-04-11, plan: chat/standard}]", "2026-04", []any{"mau", 10100}, "1.50"},

		// mPaaS: one account, blocks of the month's excess, packages.
		{"the bundle does not cover push, release, sync", "plan: mpaas/standard\nfrom: 2026-01-01\npackages: [{item: mini-program, mau: 10000, price: \"1\", bought: 2026-02-27}]", "2026-03",
			[]any{"h5", 10001, "push", 1, "release", 2, "sync", 3, "gateway_calls", 20000001}, "0.36; h5 0.03; push 0.03; release 0.06; sync 0.09; gateway_calls 0.15"},
		{"bought on the last day, in force from the next", "plan: mpaas/standard\nfrom: 2026-01-01\npackages: [{item: push, quantity: \"10\", price: \"1\", bought: 2026-02-28}]", "2026-02", []any{"push", 4}, "0.12"},
		{"free, then the bundle, then the package that expires first", "plan: mpaas/standard\nfrom: 2026-01-01\noverrides: {h5.free: \"5\"}\npackages:\n" +
			"  - {item: h5, quantity: \"10\", price: \"1\", bought: 2026-01-20}\n  - {item: h5, quantity: \"10\", price: \"1\", bought: 2026-01-25, term: 2 months}\n  - {item: mini-program, mau: 10000, price: \"1\", bought: 2026-01-31}",
			"2026-02", []any{"h5", 10018}, "0.00; left h5/2026-01-25 0; left h5/2026-01-20 7"},
	} {
		s := open(t, account(c.account))
		v := s.one(c.month, use(c.use...))
		want := strings.Split(c.want, "; ")
		if v.Total != want[0] {
			t.Errorf("%s: total %s, want %s\n%s", c.name, v.Total, want[0], show(v.Lines))
		}
		for _, w := range want[1:] {
			checkReading(t, c.name, v, w)
		}
	}
}

const imChange = "plan: im/pro\nfrom: 2026-01-10\nchanges: [{at: 2026-03-20, plan: im/flagship}]\n"

func checkReading(t *testing.T, name string, v rating.Invoice, want string) {
	t.Helper()
	fields := strings.Fields(want)
	if fields[0] == "left" {
		for _, b := range v.Balances {
			if b.Package == fields[1] && b.Remaining == fields[2] {
				return
			}
		}
		t.Errorf("%s: want %s\n%s", name, want, show(v.Balances))
		return
	}
	got := ""
	for _, l := range v.Lines {
		if l.Meter+l.Item == strings.TrimPrefix(fields[0], "-") {
			got = l.Amount
		}
	}
	if strings.HasPrefix(want, "-") {
		fields = append(fields, "")
	}
	if got != fields[1] {
		t.Errorf("%s: %s, want %s\n%s", name, got, want, show(v.Lines))
	}
}

// TestRefunds gives a plan up at a time.
func TestRefunds(t *testing.T) {
	for _, c := range []struct{ account, at, want string }{
		{"plan: chat/premium\nfrom: 2026-01-31\nterm: 2 months", "2026-02-27T23:00:00Z", "699.00 = 699.00 + 0.00"},                                                                           // 1398 − 699 × 28/28
		{"plan: chat/premium\nfrom: 2026-01-31\nterm: 2 months", "2026-02-28T00:00:00Z", "676.45 = 676.45 + 0.00"},                                                                           // the second month, 02-28 to 03-31: 1 of 31
		{"plan: chat/standard\nfrom: 2024-01-31\nterm: 1 month", "2024-02-28T00:00:00Z", "0.00 = 0.00 + 0.00"},                                                                               // 29 of 29 days: 01-31 to 02-29
		{"plan: chat/standard\nfrom: 2024-01-31\nterm: 1 month", "2024-02-27T00:00:00Z", "13.76 = 13.76 + 0.00"},                                                                             // 28 of 29
		{"apps: [a, b]\nplan: chat/standard\nfrom: 2026-06-01", "2026-06-15T00:00:00Z", "399.00 = 399.00 + 0.00"},                                                                            // two apps, 15 of 30
		{"plan: chat/standard\nfrom: 2026-06-01\norders: [{at: 2026-06-01, term: 3 months, cash: '600', credit: '300', voucher: '297'}]", "2026-07-31T00:00:00Z", "201.00 = 134.00 + 67.00"}, // of July and August, 600; July is used up; two thirds were cash
	} {
		s := open(t, account(c.account))
		r := s.at(c.at).Refund
		got := "none"
		if r != nil {
			got = r.Amount + " = " + r.Cash + " + " + r.Credit
		}
		if got != c.want {
			t.Errorf("%q at %s: %s, want %s", c.account, c.at, got, c.want)
		}
	}
}

// TestReplay rebuilds what is left of packages by rating the months again from nothing, late facts and all: it is what the closes
// carried from month to month.
func TestReplay(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01", "packages:",
		`  - {item: push, quantity: "50000", price: "900", bought: 2025-12-31}`, `  - {item: push, quantity: "9000", price: "90", bought: 2026-02-10, term: 2 months}`,
		`  - {item: gateway_calls, quantity: "900000", price: "60", bought: 2026-03-15}`))
	months := []string{"2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"}
	whole := map[string]rating.AppUsage{}
	var issued []rating.Invoice
	for i, month := range months { // as closes do it
		onTime := use("push", rnd.IntN(20000), "gateway_calls", rnd.IntN(400000))
		whole[month] = use("push", int(onTime.Meters[0].Exact)+rnd.IntN(900), "gateway_calls", int(onTime.Meters[1].Exact)+rnd.IntN(9000))
		if i > 0 {
			before := months[i-1]
			late, err := rating.RateLate(s.input(before, whole[before]), issued, mustMonth(month))
			if err != nil {
				t.Fatal(err)
			}
			s.balances = rating.Balances(append(issued, late...))
		}
		carried := s.balances
		issued = s.rate(month, onTime)
		if i == len(months)-1 {
			s.balances = nil
			for _, m := range months[:i] {
				s.balances = rating.Balances(s.rate(m, whole[m]))
			}
			if again := s.rate(month, onTime); show(again) != show(issued) {
				t.Errorf("seed %d: carried %s\nreplayed %s", seed, show(issued[0].Balances), show(again[0].Balances))
			}
		}
		s.balances = carried
	}
}

// TestAbsurd refuses numbers that no bill can mean, where they stand.
func TestAbsurd(t *testing.T) {
	const huge = "1000000000000000000000000000000" // 10^30
	for _, c := range []struct{ fields, want string }{
		{`overrides: {push.free: "` + huge + `"}`, "accounts.yaml:6:28: accounts[0].overrides.push.free: "},
		{`overrides: {push.unit_price: "` + huge + `"}`, "accounts.yaml:6:34: accounts[0].overrides.push.unit_price: "},
		{`overrides: {gateway_calls.block: "` + huge + `"}`, "accounts[0].overrides.gateway_calls.block: "},
		{`packages: [{item: push, quantity: "` + huge + `", price: "1", bought: 2026-01-01}]`, "accounts[0].packages[0].quantity: "},
		{`packages: [{item: push, quantity: "1", price: "` + huge + `", bought: 2026-01-01}]`, "accounts[0].packages[0].price: "},
		{`packages: [{item: mini-program, mau: ` + huge + `, price: "1", bought: 2026-01-01}]`, "accounts[0].packages[0].mau: "},
		{`packages: [{item: push, quantity: "1e30", price: "1", bought: 2026-01-01}]`, "accounts[0].packages[0].quantity: "},
		{`orders: [{at: 2026-01-01, term: ` + huge + ` months}]`, "accounts[0].orders[0].term: "},
		{`term: 99999999999 years`, "accounts[0].term: "},
		{`until: 99999-01-01`, "accounts[0].until: "},
	} {
		a, err := rating.ParseAccounts("accounts.yaml", []byte(account("plan: mpaas/standard", "from: 2026-01-01", c.fields)))
		if err == nil {
			err = a.Check(builtin(t), time.UTC)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.fields, err, c.want)
		}
	}
	for _, exact := range []string{huge, "1e30", "9223372036854775808", "0.5"} {
		text := "{\"month\":\"2026-10\",\"usage\":[{\"app\":\"a\",\"meters\":[{\"meter\":\"mau\",\n\"exact\":" + exact + "}]}]}"
		if _, err := rating.ParseUsage([]byte(text)); err == nil || !strings.Contains(err.Error(), "line 2: usage[0].meters[0].exact") {
			t.Errorf("%s: %v", exact, err)
		}
	}
	// The largest that may stand is priced exactly.
	s := open(t, account("plan: tcsas/professional", "from: 2026-01-01", `overrides: {mau.unit_price: "999999999999999999.999999999999999999"}`))
	total(t, s.one("2026-10", use("mau", 1<<63-1)), "9223372036854775806999999999999999990.78")
}
