package rating_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

const good = "id: acme, apps: [a], plan: tcmpp/pro, from: 2026-01-01"

// TestAccountsRefused holds what is wrong against where the error says it is, and what it says.
func TestAccountsRefused(t *testing.T) {
	one := func(fields string) string { return "accounts:\n  - {" + fields + "}\n" }
	im := "id: acme, apps: [a], plan: im/pro, from: 2026-01-01"
	chat := "id: acme, apps: [a], plan: chat/standard, from: 2026-01-01"
	mpaas := "id: acme, apps: [a, b], plan: mpaas/standard, from: 2026-01-01"
	for _, c := range []struct{ text, place, want string }{
		{"", "accounts.yaml: ", "is empty"},
		{"accounts:\n", "accounts.yaml:1:1: accounts: ", "has no value"},
		{"{}", "accounts.yaml:1:1: ", "misses the field accounts"},
		{"account: []", "accounts.yaml:1:1: account: ", `unknown field; did you mean "accounts"?`},
		{"accounts: [", "accounts.yaml:1:", ""},
		{"accounts: []\n---\naccounts: []\n", "accounts.yaml:3:", "second YAML document"},
		{"accounts: []\naccounts: []\n", "accounts.yaml:2:1: ", "already defined"},
		{"\xff", "accounts.yaml:1:", "not UTF-8"},
		{"accounts: " + strings.Repeat("[", 1000), "accounts.yaml:1:", "brackets"},
		{strings.Repeat(" ", 1000) + "a: 1", "accounts.yaml:1:", "indented"},
		{strings.Repeat("#", 1<<20+1), "accounts.yaml: ", "is over 1 MiB and not a plain list"},
		{"accounts:\n  - &x {" + good + "}\n  - *x\n", "accounts.yaml:2:5: accounts[0]: ", "anchors and aliases"},
		{one("id: 12, apps: [a], plan: tcmpp/pro, from: 2026-01-01"), "accounts.yaml:2:10: accounts[0].id: ", `write it in quotes, as in "12"`},
		{one("id: true, apps: [a], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].id: ", "is not text"},
		{one("id: !!str 12, apps: [a], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].id: ", "tags"},
		{one("id: '', apps: [a], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].id: ", "is empty"},
		{one(`id: "a\tb", apps: [a], plan: tcmpp/pro, from: 2026-01-01`), "accounts[0].id: ", "control characters"},
		{one("id: acme, apps: [1.5], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].apps[0]: ", "is not text"},
		{one("id: acme, apps: [], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].apps: ", "is empty"},
		{one("id: acme, apps: [a, b, a], plan: tcmpp/pro, from: 2026-01-01"), "accounts.yaml:2:29: accounts[0].apps[2]: ", "twice"},
		{one("id: acme, apps: [" + strings.Repeat("x", 65) + "], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].apps[0]: ", "more than 64"},
		{one("id: acme, apps: [a], plan: tcmpp/pro"), "accounts[0]: ", "misses the field from"},
		{one("id: acme, apps: [a], plan: tcmpp/pro, form: 2026-01-01"), "accounts.yaml:2:44: accounts[0].form: ", `did you mean "from"?`},
		{one("id: acme, apps: [a], plan: tcmpp, from: 2026-01-01"), "accounts[0].plan: ", "want book/plan"},
		{one("id: acme, apps: [a], plan: tcmpp/prO, from: 2026-01-01"), "accounts.yaml:2:33: accounts[0].plan: ", `unknown plan "tcmpp/prO"; did you mean "tcmpp/pro"?`},
		{one("id: acme, apps: [a], plan: tcmpp/pro, from: 2026-02-30"), "accounts[0].from: ", "2026-02-30"},
		{one("id: acme, apps: [a], plan: tcmpp/pro, from: 0026-01-01"), "accounts[0].from: ", "0026-01-01"},
		{one("id: acme, apps: [a], plan: tcmpp/pro, from: 2026-1-1"), "accounts[0].from: ", "2026-1-1"},
		{one(good + ", until: 2026-01-01"), "accounts[0].until: ", "does not lie after from"},
		{one(good + ", term: 1 month"), "accounts[0].term: ", "at least 1 year"},
		{one(chat + ", term: 25 months"), "accounts[0].term: ", "at most 2 years"},
		{one(chat + ", orders: [{at: 2026-01-01, term: 3 years}]"), "accounts[0].orders[0]: ", "at most 2 years"},
		{one(good + ", term: 1y"), "accounts[0].term: ", `"12 months"`},
		{one(good + ", term: 12"), "accounts.yaml:2:68: accounts[0].term: ", `term "12": want a form such as "12 months" or "1 year"`},
		{one(good + ", renew: true"), "accounts[0].renew: ", "true: want auto"},
		{one(good + ", late: 1"), "accounts[0].late: ", "1: want bill, report"},
		{one(good + ", until: 2027"), "accounts[0].until: ", `"2027": want a date that exists, such as 2026-01-31`},
		{one(good + ", overrides: {mau.free: 200_000}"), "accounts[0].overrides.mau.free: ", `write it in quotes, as in "200000"`},
		{one(good + ", overrides: {mau.free: '200_000'}"), "accounts[0].overrides.mau.free: ", `write "200000"`},
		{one(good + ", overrides: {mau.unit_price: '1,000.5'}"), "accounts[0].overrides.mau.unit_price: ", `write "1000.5"`},
		{one(mpaas + ", packages: [{item: mini-program, mau: 50_000, price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0].mau: ", "in digits alone, such as 50000"},
		{one("id: acme, apps: , plan: tcmpp/pro, from: 2026-01-01"), "accounts.yaml:2:16: accounts[0].apps: ", "has no value: name the apps that the account is billed for, as in [app-001]"},
		{"\ufeffaccounts: []", "accounts.yaml: ", "begins with a byte order mark: save it as UTF-8 without one"},
		{"\xff\xfea\x00", "accounts.yaml: ", "is UTF-16: save it as UTF-8"},

		{one("id: '  ', apps: [a], plan: tcmpp/pro, from: 2026-01-01"), "accounts.yaml:2:10: accounts[0].id: ", "nothing of it can be seen"},
		{one("id: acme, apps: ['\u00a0'], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].apps[0]: ", "nothing of it can be seen"},
		{one("id: acme, apps: ['\u200b\u2060'], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].apps[0]: ", `"\u200b\u2060": nothing of it can be seen`},
		{one("id: acme, apps: [a, 'a\u200b'], plan: tcmpp/pro, from: 2026-01-01"), "accounts.yaml:2:5: accounts[0].apps: ", `app "a\u200b" looks like "a" of line 2`},
		{one("id: acme, apps: ['a ', ' a'], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].apps: ", "looks like"},
		{one("id: acme, apps: [\"a b\", \"a\u00a0b\"], plan: tcmpp/pro, from: 2026-01-01"), "accounts[0].apps: ", "looks like"},
		{one(good) + "  - {id: other, apps: ['a\ufe0f'], plan: tcmpp/pro, from: 2026-01-01}\n", "accounts.yaml:3:5: accounts[1].apps: ", `looks like "a" of line 2`},
		{one(good) + "  - {id: \"ac\u00adme\", apps: [b], plan: tcmpp/pro, from: 2026-01-01}\n", "accounts.yaml:3:5: accounts[1].id: ", `account "ac\u00adme" looks like "acme" of line 2`},

		{one(mpaas + ", packages: [{item: push, quantity: '10', price: '99.995', bought: 2026-02-01}]"), "accounts[0].packages[0].price: ", "99.995: USD has 2 decimals: no bill can hold it"},
		{one(chat + ", orders: [{at: 2026-01-01, cash: '399.999'}]"), "accounts[0].orders[0].cash: ", "399.999: USD has 2 decimals"},
		{one(chat + ", orders: [{at: 2026-01-01, cash: '399', credit: '0.001'}]"), "accounts[0].orders[0].credit: ", "0.001: USD"},
		{one(chat + ", orders: [{at: 2026-01-01, voucher: '0.005'}]"), "accounts[0].orders[0].voucher: ", "0.005: USD"},
		{one(chat + ", overrides: {plan.fee: '399.995'}"), "accounts[0].overrides.plan.fee: ", "399.995: USD"},
		{one(chat + ", overrides: {push.fee: '0.001'}"), "accounts[0].overrides.push.fee: ", "0.001: USD"},
		{one(chat + ", overrides: {mau.commitment: '0.001'}"), "accounts[0].overrides.mau.commitment: ", "0.001: USD"},
		{one(chat + ", overrides: {pusch.fee: '250'}"), "accounts[0].overrides.pusch.fee: ", `unknown item "pusch"; did you mean "push"?`},
		{one(good + ", overrides: {mau.fee: '250'}"), "accounts[0].overrides.mau.fee: ", "tcmpp/pro has fees of plan"},
		{one(good + ", overrides: {.free: '250'}"), "accounts[0].overrides..free: ", "want meter.field, item.fee or plan.fee"},
		{one(mpaas + ", addons: [{item: security-armor-annual, from: 2026-02-01}]"), "accounts[0].addons[0].item: ", "has no price but the contract's: add it to overrides as security-armor-annual.fee"},
		{one(good + ", renew: always"), "accounts[0].renew: ", "want auto"},
		{one("id: acme, apps: [a], plan: tcmpp/pro, from: 2026-01-01T9:00:00Z"), "accounts[0].from: ", "2026-01-31T09:00:00Z"},
		{one(good + ", late: never"), "accounts[0].late: ", "want bill, report"},
		{one(good + ", overrides: {mau.fre: '1'}"), "accounts[0].overrides.mau.fre: ", `did you mean "free"?`},
		{one(good + ", overrides: {mua.free: '1'}"), "accounts[0].overrides.mua.free: ", `unknown meter "mua"; did you mean "mau"?`},
		{one(good + ", overrides: {mau.free: 1}"), "accounts[0].overrides.mau.free: ", "is not text"},
		{one(good + ", overrides: {mau.free: '-1'}"), "accounts[0].overrides.mau.free: ", "not negative"},
		{one(good + ", overrides: {mau.free: '1.5'}"), "accounts[0].overrides.mau.free: ", "whole number"},
		{one(good + ", overrides: {mau.unit_price: '-0.01'}"), "accounts[0].overrides.mau.unit_price: ", "not negative"},
		{one(good + ", overrides: {mau.unit_price: '1e3'}"), "accounts[0].overrides.mau.unit_price: ", "exponent"},
		{one(good + ", overrides: {mau.block: '10'}"), "accounts[0].overrides.mau.block: ", "not sold in blocks"},
		{one(mpaas + ", overrides: {gateway_calls.block: '0'}"), "accounts[0].overrides.gateway_calls.block: ", "0 units"},
		{"accounts:\n  - {" + good + "}\n  - {" + good + "}\n", "accounts.yaml:3:5: accounts[1].id: ", `"acme" is there twice, first in line 2`},
		{"accounts:\n  - {" + good + "}\n  - {id: other, apps: [b, a], plan: im/pro, from: 2026-06-01}\n", "accounts.yaml:3:5: accounts[1].apps: ", `app "a" is in account "acme" (line 2) too`},
		{one(good + ", changes: [{at: 2026-05-01, plan: tcmpp/pro}]"), "accounts[0].changes[0].plan: ", "in force already"},
		{one(good + ", changes: [{at: 2026-01-01, plan: tcmpp/enterprise}]"), "accounts[0].changes[0]: ", "does not lie after"},
		{one(good + ", changes: [{at: 2026-05-01, plan: tcmpp/entreprise}]"), "accounts[0].changes[0].plan: ", `did you mean "tcmpp/enterprise"?`},
		{one(chat + ", changes: [{at: 2026-05-01, plan: chat/trial}]"), "accounts[0].changes[0].plan: ", "no way back"},
		{one(good + ", addons: [{item: rooms, from: 2026-02-01}]"), "accounts[0].addons[0].item: ", "tcmpp has none"},
		{one(im + ", addons: [{item: room, from: 2026-02-01}]"), "accounts[0].addons[0].item: ", `did you mean "rooms"?`},
		{one("id: acme, apps: [a], plan: im/flagship, from: 2026-01-01, addons: [{item: rooms, from: 2026-02-01}]"), "accounts[0].addons[0].item: ", "im/flagship, in force on 2026-02-01, does not offer rooms: im/pro does"},
		{one(im + ", changes: [{at: 2026-05-10, plan: im/flagship}], addons: [{item: rooms, from: 2026-02-01}]"), "accounts[0].addons[0].item: ", "in force on 2026-05-10"},
		{one("id: acme, apps: [a], plan: im/trial, from: 2026-01-01, addons: [{item: rooms, from: 2026-02-01}]"), "accounts[0].addons[0].item: ", "im/trial"},
		{one(im + ", addons: [{item: history, from: 2026-02-01}]"), "accounts[0].addons[0]: ", "misses the field option: history has 30, 90, 180, 360"},
		{one(im + ", addons: [{item: history, option: 60, from: 2026-02-01}]"), "accounts[0].addons[0].option: ", "option 60 of history does not exist"},
		{one(im + ", addons: [{item: history, option: '30', from: 2026-02-01}]"), "accounts[0].addons[0].option: ", "without quotes"},
		{one("id: acme, apps: [a], plan: im/flagship, from: 2026-01-01, addons: [{item: history, option: 30, from: 2026-02-01}]"), "accounts[0].addons[0].option: ", "it has 90, 180, 360"},
		{one(im + ", addons: [{item: rooms, option: 1, from: 2026-02-01}]"), "accounts[0].addons[0].option: ", "no options"},
		{one(im + ", addons: [{item: rooms, quantity: '2', from: 2026-02-01}]"), "accounts[0].addons[0].quantity: ", "had once"},
		{one(im + ", addons: [{item: bandwidth, from: 2026-02-01}]"), "accounts[0].addons[0]: ", "misses the field quantity"},
		{one(im + ", addons: [{item: bandwidth, quantity: '1.5', from: 2026-02-01}]"), "accounts[0].addons[0].quantity: ", "whole number"},
		{one(im + ", addons: [{item: bandwidth, quantity: '0', from: 2026-02-01}]"), "accounts[0].addons[0].quantity: ", "leave the add-on out"},
		{one(im + ", addons: [{item: rooms, from: 2025-12-31}]"), "accounts[0].addons[0]: ", "before the account does"},
		{one(im + ", addons: [{item: rooms, from: 2026-02-01, until: 2026-02-01}]"), "accounts[0].addons[0]: ", "not after it begins"},
		{one(im + ", addons: [{item: rooms, from: 2026-02-01}, {item: rooms, from: 2026-03-01}]"), "accounts[0].addons[1]: ", "is on already"},
		{one(im + ", addons: [{item: rooms, from: 2026-02-01, app: b}]"), "accounts[0].addons[0].app: ", `app "b" is not one of the account's`},
		{one(chat + ", addons: [{item: desk_agent, from: 2026-02-01}]"), "accounts[0].addons[0].item: ", "needs desk"},
		{one(good + ", packages: [{item: push, quantity: '1', price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0].item: ", "sells no packages"},
		{one(mpaas + ", packages: [{item: gateway, quantity: '1', price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0].item: ", "unknown package"},
		{one(mpaas + ", packages: [{item: push, price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0]: ", "misses the field quantity"},
		{one(mpaas + ", packages: [{item: push, mau: 20000, quantity: '1', price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0].mau: ", "sold by quantity"},
		{one(mpaas + ", packages: [{item: push, quantity: '10', remaining: '11', price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0].remaining: ", "11 remain of 10"},
		{one(mpaas + ", packages: [{item: mini-program, price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0]: ", "misses the field mau"},
		{one(mpaas + ", packages: [{item: mini-program, mau: 9999, price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0].mau: ", "10000 to 100000"},
		{one(mpaas + ", packages: [{item: mini-program, mau: '50000', price: '1', bought: 2026-02-01}]"), "accounts[0].packages[0].mau: ", "without quotes"},
		{one(mpaas + ", packages: [{item: push, quantity: '10', price: 1, bought: 2026-02-01}]"), "accounts[0].packages[0].price: ", "is not text"},
		{one(chat + ", orders: [{at: 2026-03-01, term: 1 month}, {at: 2026-02-01, term: 1 month}]"), "accounts[0].orders[1]: ", "by time"},
		{one(chat + ", orders: [{at: 2026-02-01, plan: chat/premium}]"), "accounts[0].orders[0].plan: ", "is not the plan in force"},
		{one(im + ", orders: [{at: 2026-02-01}]"), "accounts[0].orders[0]: ", "misses the field term"},
		{one(im + ", orders: [{at: 2026-02-01, term: 1 month}]"), "accounts[0].orders[0]: ", "nothing says what im/pro was bought for"},
		{one(chat + ", bills: [{month: 2026-13, pushed: 2026-02-01}]"), "accounts[0].bills[0].month: ", "2026-13"},
		{one(chat + ", bills: [{month: 2026-01, pushed: 2026-02-02, paid: 2026-02-01}]"), "accounts[0].bills[0]: ", "paid before"},
		{one(good + ", cancelled: soon"), "accounts[0].cancelled: ", "soon"},
		{one(good + ", cancelled: 2025-12-31"), "accounts[0].cancelled: ", "2025-12-31 lies before from, 2026-01-01"},
		{one(good + ", disabled: 2025-12-31T23:59:59Z"), "accounts[0].disabled: ", "lies before from"},
	} {
		a, err := rating.ParseAccounts("accounts.yaml", []byte(c.text))
		if err == nil {
			err = a.Check(builtin(t), time.UTC)
		}
		var at *rating.FileError
		switch {
		case err == nil:
			t.Errorf("%.200q: accepted, want %s", c.text, c.want)
		case !errors.As(err, &at):
			t.Errorf("%.200q: %v is no FileError", c.text, err)
		case !strings.Contains(err.Error(), c.place) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "accounts.yaml:"):
			t.Errorf("%.200q:\n got %v\nwant %s … %s", c.text, err, c.place, c.want)
		}
	}
}

func TestAccountsAccepted(t *testing.T) {
	for _, text := range []string{
		"accounts: []",
		"accounts:\n  - {" + good + "}\n",
		"accounts:\n- id: acme\n  apps:\n  - a\n  plan: tcmpp/pro\n  from: \"2026-01-01T09:00:00+08:00\"\n  renew: auto # for ever\n",
		"accounts:\n  - {id: 'acme ', apps: ['a\ufe0f', 'my app', \"\u00e9\"], plan: im/pro, from: 2026-01-01, overrides: {bandwidth.fee: '0.0035'}}\n", // seen, and alone
		"accounts:\n  - {" + good + ", until: 2027-01-01}\n  - {id: b, apps: [a], plan: im/pro, from: 2027-01-01}\n",                                    // half open
	} {
		a, err := rating.ParseAccounts("accounts.yaml", []byte(text))
		if err == nil {
			err = a.Check(builtin(t), time.UTC)
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseAccounts(f *testing.F) {
	f.Add([]byte("accounts: []"))
	f.Add([]byte("accounts:\n  - {" + good + ", overrides: {mau.free: '1'}}\n"))
	f.Add([]byte(account("plan: chat/standard", "from: 2026-06-01", "changes: [{at: 2026-06-10, plan: chat/premium}]",
		"addons:", "  - {item: push, from: 2026-06-01}", `orders: [{at: 2026-06-01, term: 1 month, cash: "300"}]`, "bills: [{month: 2026-05, pushed: 2026-06-03}]")))
	f.Add([]byte(account("plan: mpaas/standard", "from: 2026-01-01", `packages: [{item: push, quantity: "5", price: "1", bought: 2026-02-28}]`)))
	cat := builtin(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := rating.ParseAccounts("f", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("%v does not name the file", err)
			}
			return
		}
		if a.Check(cat, time.UTC) != nil {
			return
		}
		if _, err := rating.Rate(rating.Input{Month: mustMonth("2026-06"), Accounts: a, Catalog: cat}); err != nil {
			t.Errorf("checked, and yet: %v", err)
		}
		for _, id := range a.IDs() {
			if _, err := rating.SubscriptionAt(a, cat, nil, id, time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC)); err != nil {
				t.Errorf("checked, and yet: %v", err)
			}
		}
	})
}

func FuzzParseUsage(f *testing.F) {
	f.Add([]byte(printedUsage))
	cat := builtin(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := rating.ParseUsage(data)
		if err != nil {
			return
		}
		in, err := rating.PlanInput(cat, "mpaas/standard", u, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		out, err := rating.Rate(in)
		if err == nil {
			for _, v := range out {
				checkSum(t, v)
			}
		}
	})
}

// Whatever a price book holds, it is read or refused with its name; what is read can be described and read again.
func FuzzParseCatalog(f *testing.F) {
	for _, book := range builtin(f).Documents() {
		f.Add(book)
	}
	f.Add([]byte(sixthBook))
	f.Add([]byte("book: b\ncurrency: USD\nplans: []\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cat, err := rating.ParseCatalog(map[string][]byte{"f.yaml": data})
		if err != nil {
			if !strings.Contains(err.Error(), "f.yaml") {
				t.Errorf("%v does not name the file", err)
			}
			return
		}
		if _, err := rating.ParseCatalog(cat.Documents()); err != nil {
			t.Errorf("read, and yet: %v", err)
		}
		cat.Describe()
		for _, plan := range cat.Plans() {
			u := rating.AppUsage{App: "a"}
			for _, m := range plan.Book.Meters[:min(5, len(plan.Book.Meters))] {
				u.Meters = append(u.Meters, rating.MeterUsage{Meter: m.Name, Exact: 12345})
			}
			in, err := rating.PlanInput(cat, plan.ID(), rating.Usage{Month: mustMonth("2026-06"), Apps: []rating.AppUsage{u}}, time.UTC)
			if err != nil {
				t.Errorf("plan %s: %v", plan.ID(), err)
			}
			if _, err := rating.Rate(in); err != nil {
				t.Errorf("plan %s: %v", plan.ID(), err)
			}
		}
	})
}
