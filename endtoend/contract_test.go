package endtoend

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/naive"
)

// form says what a value of printed JSON must be: a scalar's kind by its name, or null where the name ends so; one form for all
// elements; or forms by name, where "?" at a name's end means that the field may be left out.
type form any

type (
	object map[string]form
	list   [1]form
	table  [1]form // an object of free names
)

var scalars = map[string]*regexp.Regexp{
	"count": regexp.MustCompile(`^\d+$`), "number": regexp.MustCompile(`^\d+(\.\d+)?$`), "true": regexp.MustCompile(`^true$`),
	"text": regexp.MustCompile(`^".*"$`), "money": regexp.MustCompile(`^"-?\d+(\.\d+)?"$`), "amount": regexp.MustCompile(`^"(-?\d+(\.\d+)?)?"$`),
	"month": regexp.MustCompile(`^"\d{4}-\d\d"$`), "day": regexp.MustCompile(`^"\d{4}-\d\d-\d\d"$`), "digest": regexp.MustCompile(`^"sha256:[0-9a-f]{64}"$`),
	"verdict": regexp.MustCompile(`^"(agree|differ|none)"$`), "status": regexp.MustCompile(`^"(final|held)"$`),
}

// hold holds JSON against a form. Fields that the form does not name are further ones: they break nobody.
func hold(t *testing.T, at string, text json.RawMessage, f form) {
	t.Helper()
	elements := func(into any) bool {
		if err := json.Unmarshal(text, into); err != nil || string(text) == "null" {
			t.Errorf("%s: %s: want %T", at, cut(string(text)), f)
			return false
		}
		return true
	}
	switch f := f.(type) {
	case string:
		kind, null := strings.CutSuffix(f, " or null")
		if !scalars[kind].Match(text) && !(null && string(text) == "null") {
			t.Errorf("%s: %s: want %s", at, text, f)
		}
	case list:
		var all []json.RawMessage
		if elements(&all) {
			for i, x := range all {
				hold(t, fmt.Sprintf("%s[%d]", at, i), x, f[0])
			}
		}
	case table:
		all := map[string]json.RawMessage{}
		if elements(&all) {
			for name, x := range all {
				hold(t, at+"."+name, x, f[0])
			}
		}
	case object:
		all := map[string]json.RawMessage{}
		if !elements(&all) {
			return
		}
		for name, form := range f {
			name, optional := strings.CutSuffix(name, "?")
			if x, ok := all[name]; ok {
				hold(t, at+"."+name, x, form)
			} else if !optional {
				t.Errorf("%s: no field %q, only %v", at, name, slices.Sorted(maps.Keys(all)))
			}
		}
	}
}

// What usage, close, invoices, rate and status print has the fields that are promised, of their types, sorted.
func TestPrintedJSON(t *testing.T) {
	t.Parallel()
	witness := object{"exact": "count", "estimate": "count"}
	app := object{
		"app": "text", "account": "text or null", "events": "count", "duplicates": "count", "skewed": "count", "expired": "count", "rejected": "count",
		"kinds":  table{witness},
		"meters": list{object{"meter": "text", "exact": "count", "estimate": "count or null", "bound": "number or null", "verdict": "verdict"}},
		"daily":  list{object{"day": "day", "active": "count", "new": "count", "users": "count"}},
		"late":   list{object{"month": "month", "devices": "count"}}, "digest": "digest",
	}
	invoices := list{object{
		"account": "text", "plan": "text", "month": "month", "revision": "count", "currency": "text", "status": "status", "reason?": "text",
		"lines": list{object{"app": "text", "meter?": "text", "quantity": "amount", "free": "amount", "billable": "amount", "unit_price": "amount", "amount": "money", "how": "text"}},
		"total": "money", "prepaid": list{object{}}, "deduct_from": "day", "deduct_until": "day",
	}}
	month := object{"month": "month", "time_zone": "text", "topic": "text", "usage": list{app}, "rejected": "count"}
	closed := maps.Clone(month)
	closed["sealed"], closed["invoices"] = list{object{"partition": "count", "offset": "count"}}, invoices
	soFar := maps.Clone(month)
	soFar["invoices"] = invoices
	soFar["provisional"], soFar["partitions"] = "true", list{object{"partition": "count", "offset": "count", "end": "count", "lag": "count", "owner": "text"}}

	s := newSite(t, `accounts:
  - {id: zeta, apps: [app-002, app-001], plan: tcmpp/pro, from: 2024-12-01, overrides: {mau.free: "1"}}
  - {id: blue, apps: [app-003], plan: im/pro, from: 2025-01-01}
  - {id: idle, apps: [app-900], plan: tcmpp/pro, from: 2024-12-01}
`, nil)
	l := naive.New(time.UTC)
	for _, m := range []string{"2025-01", "2025-02"} {
		var all []record
		for i := range 12 {
			g := fmt.Sprint("device-", i)
			all = append(all, event("miniprogram.open", "app-002", g, m+"-05T10:00:00Z"), event("minigame.search", "app-001", g, m+"-06T10:00:00Z"),
				event("user.login", "app-003", g, m+"-07T10:00:00Z"), event("miniprogram.open", "app-777", g, m+"-08T10:00:00Z"))
		}
		s.send(l, all)
		if m == "2025-01" {
			s.ok("rollup", "close", "--month", m)
			s.send(l, []record{event("miniprogram.open", "app-002", "late", "2025-01-05T10:00:00Z")})
		}
	}
	s.ok("ingest", "run", "--until-end")
	status := s.ok("rollup", "status", "--json", "--month", "2025-02")
	hold(t, "status", json.RawMessage(status), soFar)
	first := s.ok("rollup", "close", "--json", "--month", "2025-02")
	printed := s.ok("rollup", "usage", "--json", "--month", "2025-02")
	if first != printed {
		t.Errorf("close and usage print different things:\n%s\n%s", cut(first), cut(printed))
	}
	hold(t, "usage", json.RawMessage(printed), closed)
	for _, m := range []string{"2025-01", "2025-02"} {
		hold(t, "invoices of "+m, json.RawMessage(s.ok("rollup", "invoices", "--json", "--month", m)), object{"invoices": invoices})
	}
	s.write("usage.json", printed)
	hold(t, "rate", json.RawMessage(s.ok("rollup", "rate", "--json", "--usage", "usage.json", "--accounts", "accounts.yaml")), object{"invoices": invoices})

	for what, text := range map[string]string{"status": status, "usage": printed} {
		d := decode[struct {
			Sealed, Partitions []struct{ Partition int }
			Usage              []struct {
				App     string
				Account *string
				Kinds   map[string]any
				Daily   []struct{ Day string }
				Late    []struct {
					Month   string
					Devices int
				}
			}
			Invoices []struct{ Account string }
		}](t, text)
		var apps, accounts []string
		for _, a := range d.Usage {
			apps = append(apps, a.App)
			if (a.Account == nil) != (a.App == "app-777") {
				t.Errorf("%s: %s has account %v", what, a.App, a.Account)
			}
			for _, k := range []string{"open", "search", "predownload"} {
				if a.Kinds[k] == nil {
					t.Errorf("%s: %s has no kind %s", what, a.App, k)
				}
			}
			for i, day := range a.Daily {
				if day.Day != fmt.Sprintf("2025-02-%02d", i+1) {
					t.Errorf("%s: %s has day %s at %d", what, a.App, day.Day, i)
				}
			}
			if len(a.Daily) != 28 || len(a.Late) != 2 || a.Late[0].Month != "2025-01" || a.Late[1].Month != "2025-02" || what == "usage" && (a.Late[0].Devices == 1) != (a.App == "app-002") {
				t.Errorf("%s: %s has %d days, late %v", what, a.App, len(a.Daily), a.Late)
			}
		}
		for _, v := range d.Invoices {
			accounts = append(accounts, v.Account)
		}
		if fmt.Sprint(apps) != "[app-001 app-002 app-003 app-777]" || what == "usage" && fmt.Sprint(accounts) != "[blue idle zeta]" {
			t.Errorf("%s: apps %v, accounts %v", what, apps, accounts)
		}
		for i, p := range append(d.Sealed, d.Partitions...) {
			if p.Partition != i || len(d.Sealed)+len(d.Partitions) != partitions {
				t.Errorf("%s: partition %d at %d of %d", what, p.Partition, i, len(d.Sealed)+len(d.Partitions))
			}
		}
	}
}
