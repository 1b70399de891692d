package usage

import (
	"fmt"
	"slices"
	"testing"

	"headcount/events"
	"headcount/rating"
	"headcount/rating/catalog"
)

// look reviews a document of October by the accounts o, of a1 and a2, and past, whose plan ended.
func look(t *testing.T, d *Document, former map[string]FormerApp, over bool) (all []string) {
	t.Helper()
	accounts, err := rating.ParseAccounts("accounts.yaml", []byte(`accounts:
  - {id: o, apps: [a1, a2], plan: tcsas/professional, from: 2026-01-01}
  - {id: past, apps: [b], plan: tcmpp/pro, from: 2025-01-01, until: 2026-09-15}
  - {id: next, apps: [b, c], plan: tcsas/professional, from: 2026-12-01}
`))
	if err != nil {
		t.Fatal(err)
	}
	books, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	d.Month, d.TimeZone = events.MonthOf(2026, 10), "UTC"
	if err := d.Look(Review{Limits: DefaultLimits(), Catalog: books, Accounts: accounts, Former: former, Over: over}); err != nil {
		t.Fatal(err)
	}
	for _, n := range d.NotBilled {
		held := ""
		if n.Held {
			held = " held"
		}
		all = append(all, fmt.Sprintf("%s %s/%s %s %d/%d%s", n.Cause, n.App, n.Account, n.Name, n.Count, n.Of, held))
	}
	return all
}

func appOf(name, account string, devices uint64) App {
	a := App{App: name, Events: devices, Daily: []Day{{"2026-10-01", devices, devices, 0}}}
	if account != "" {
		a.Account = &account
	}
	return a
}

func TestLook(t *testing.T) {
	odd := appOf("a1", "o", 100)
	odd.Rejected, odd.Skewed, odd.Expired, odd.BeforeBooks = 900, 30, 5, 30
	odd.Uncounted = Uncounted{
		Unknown: []OfType{{"x", 7}}, RejectedFor: []ForWhy{{"no subject", 880}, {"over limit: dated 2015", 15}, {string(events.WrongSignature), 5}},
		SkewedFor: []ForClock{{"Buddhist year", 30}}, ExpiredOf: []OfMonth{{"2026-08", 5}}, BeforeBooksOf: []OfMonth{{"2018-01", 25}, {"2026-07", 5}},
	}
	got := look(t, &Document{Usage: []App{odd, appOf("b", "", 3), appOf("c", "", 2), appOf("stray", "", 1)}}, nil, true)
	want := []string{
		"rejected a1/o no subject 880/1005 held", "over_limit a1/o over limit: dated 2015 15/1005 held",
		"quantities a1/o " + string(events.WrongSignature) + " 5/1005 held", "unknown a1/o x 7/1012", "skewed a1/o Buddhist year 30/0 held",
		"expired a1/o 2026-08 5/105 held", "before_books a1/o 2018-01 25/135 held", "before_books a1/o 2026-07 5/135",
		"no_account stray/  1/0", "not_in_force b/ tcmpp/pro 3/0", "not_in_force b/ tcsas/professional 3/0", "not_in_force c/ tcsas/professional 2/0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	// One record that found no room holds; what its sender dated in a year far off does not.
	full := appOf("a1", "o", 100)
	full.Rejected, full.overLimit, full.RejectedFor = 3, 1, []ForWhy{{string(events.OverLimit), 1}, {"over limit: dated 2015", 2}}
	got = look(t, &Document{Usage: []App{full}}, nil, true)
	if want = []string{"over_limit a1/o over limit 1/103 held", "over_limit a1/o over limit: dated 2015 2/103"}; !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	// Few are not many, and what holds nobody's invoice holds none.
	few := appOf("a1", "o", 100)
	few.Rejected, few.RejectedFor = 19, []ForWhy{{"no subject", 19}}
	strays := appOf("stray", "", 100)
	strays.Rejected, strays.RejectedFor = 900, []ForWhy{{"no subject", 900}}
	got = look(t, &Document{Usage: []App{few, strays}}, nil, true)
	if want = []string{"rejected a1/o no subject 19/119", "rejected stray/ no subject 900/1000", "no_account stray/  100/0"}; !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestLookBack(t *testing.T) {
	for _, c := range []struct {
		now, was uint64
		over     bool
		want     []string
	}{
		{100, 50, false, []string{"doubled a1/o  100/50"}}, {99, 50, true, nil}, {50, 100, true, []string{"halved a1/o  50/100"}}, {50, 100, false, nil},
		{51, 100, true, nil}, {19, 9, true, nil}, {40, 0, true, nil}, {0, 40, true, []string{"silent /o  40/0", "halved a1/o  0/40"}},
		{0, 40, false, []string{"silent /o  40/0"}},
	} {
		d := &Document{}
		if c.now > 0 {
			d.Usage = []App{appOf("a1", "o", c.now)}
		}
		if got := look(t, d, map[string]FormerApp{"a1": {Events: c.was, Devices: c.was}}, c.over); !slices.Equal(got, c.want) {
			t.Errorf("%d after %d (over: %t): %q, want %q", c.now, c.was, c.over, got, c.want)
		}
	}
}

// Whoever may send events can invent apps: what holds comes first, then what weighs most.
func TestMostNotBilled(t *testing.T) {
	d := &Document{}
	for i := range MostNotBilled + 10 {
		d.Usage = append(d.Usage, appOf(fmt.Sprintf("stray-%04d", i), "", uint64(1+i%7)))
	}
	held := appOf("a1", "o", 1)
	held.Rejected, held.RejectedFor = 20, []ForWhy{{"no subject", 20}}
	d.Usage = append(d.Usage, held)
	look(t, d, nil, true)
	least := 0
	for _, n := range d.NotBilled {
		if n.Count == 1 {
			least++
		}
	}
	if len(d.NotBilled) != MostNotBilled || d.NotBilledMore != 11 || d.NotBilled[0].App != "a1" || least != (MostNotBilled+10+6)/7-11 {
		t.Errorf("%d listed, %d of them of one event, %d more, the first %+v", len(d.NotBilled), least, d.NotBilledMore, d.NotBilled[0])
	}
}
