package rating_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"headcount/rating"
	"headcount/rating/catalog"
)

var once = sync.OnceValues(catalog.Builtin)

func builtin(t testing.TB) *rating.Catalog {
	t.Helper()
	c, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustMonth is a month of a test.
func mustMonth(s string) rating.Month {
	m, err := rating.ParseMonth(s)
	if err != nil {
		panic(err)
	}
	return m
}

// scene is an accounts file and what is rated with it.
type scene struct {
	t        testing.TB
	catalog  *rating.Catalog
	accounts *rating.Accounts
	zone     *time.Location
	balances []rating.Balance
}

// account wraps the fields of one account, one a line, into an accounts file; id is acme, apps is [a] where not given.
func account(fields ...string) string {
	text := strings.Join(fields, "\n")
	if !strings.Contains(text, "apps:") {
		text = "apps: [a]\n" + text
	}
	return "accounts:\n  - id: acme\n    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
}

func open(t testing.TB, accounts string) *scene {
	t.Helper()
	s := &scene{t: t, catalog: builtin(t), zone: time.UTC}
	var err error
	if s.accounts, err = rating.ParseAccounts("accounts.yaml", []byte(accounts)); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scene) input(month string, usage ...rating.AppUsage) rating.Input {
	return rating.Input{
		Month: mustMonth(month), Zone: s.zone, Usage: rating.Usage{Month: mustMonth(month), Apps: usage}, Accounts: s.accounts, Catalog: s.catalog,
		Balances: s.balances,
	}
}

func (s *scene) rate(month string, usage ...rating.AppUsage) []rating.Invoice {
	s.t.Helper()
	out, err := rating.Rate(s.input(month, usage...))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, v := range out {
		checkSum(s.t, v)
	}
	return out
}

// one rates a month of which there is one invoice.
func (s *scene) one(month string, usage ...rating.AppUsage) rating.Invoice {
	s.t.Helper()
	out := s.rate(month, usage...)
	if len(out) != 1 {
		s.t.Fatalf("%d invoices for %s, want 1", len(out), month)
	}
	return out[0]
}

// use is the usage of app a: meter, exact, …
func use(pairs ...any) rating.AppUsage { return useOf("a", pairs...) }

func useOf(app string, pairs ...any) rating.AppUsage {
	u := rating.AppUsage{App: app}
	for i := 0; i < len(pairs); i += 2 {
		u.Meters = append(u.Meters, rating.MeterUsage{Meter: pairs[i].(string), Exact: int64(pairs[i+1].(int))})
	}
	return u
}

// daily is the usage of one meter of app a, by day.
func daily(meter string, days ...any) rating.AppUsage {
	m := rating.MeterUsage{Meter: meter}
	for i := 0; i < len(days); i += 2 {
		v := int64(days[i+1].(int))
		m.Days = append(m.Days, rating.DayValue{Day: days[i].(string), Value: v})
		m.Exact += v
	}
	return rating.AppUsage{App: "a", Meters: []rating.MeterUsage{m}}
}

func line(t testing.TB, v rating.Invoice, name string) rating.Line {
	t.Helper()
	for _, l := range v.Lines {
		if l.Meter == name || l.Item == name {
			return l
		}
	}
	t.Fatalf("no line of %s in %s", name, show(v))
	return rating.Line{}
}

func amount(t testing.TB, v rating.Invoice, name, want string) {
	t.Helper()
	if l := line(t, v, name); l.Amount != want {
		t.Errorf("%s: amount %s (%s), want %s", name, l.Amount, l.How, want)
	}
}

func total(t testing.TB, v rating.Invoice, want string) {
	t.Helper()
	if v.Total != want {
		t.Errorf("%s of %s: total %s, want %s\n%s", v.Account, v.Month, v.Total, want, show(v))
	}
}

func show(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
