package endtoend

import (
	"strings"
	"testing"
)

// Where a month stands is said by `months` and by `status`: open, closed and held, closed; with what came late since, and what it comes to.
func TestWhereAMonthStands(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	type standing struct {
		Month, State string
		Closed       *string
		Invoices     int
		Held         []string
		Totals       []struct{ Currency, Total, Held string }
	}
	months := func(want ...string) []standing {
		t.Helper()
		all := decode[struct{ Items []standing }](t, s.ok("rollup", "months", "--json")).Items
		var got []string
		for _, m := range all {
			got = append(got, m.Month+" "+m.State)
			if (m.Closed != nil) != (m.State == "held" || m.State == "closed") {
				t.Errorf("%s is %s and closed at %v", m.Month, m.State, m.Closed)
			}
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("months: %q, want %q", got, want)
		}
		return all
	}
	if text := s.ok("rollup", "months"); text != "No month has events yet.\n" {
		t.Errorf("at first: %s", text)
	}
	s.send(nil, opens("a1", "2025-03-10T10:00:00Z", 0, 100))
	s.send(nil, nameless("2025-03-10T10:00:00Z", 30))
	s.ok("ingest", "run", "--until-end")
	months("2025-03 open")
	if text := s.ok("rollup", "status", "--month", "2025-03"); !strings.Contains(text, "so far, provisional") || strings.Contains(text, "closed") {
		t.Errorf("open: %s", text)
	}
	s.want(1, "rollup", "close", "--month", "2025-03")
	m := months("2025-03 held")[0]
	if m.Invoices != 1 || len(m.Held) != 1 || len(m.Totals) != 1 || m.Totals[0].Total == "" || m.Totals[0].Held != m.Totals[0].Total {
		t.Errorf("%+v", m)
	}
	s.send(nil, opens("a1", "2025-03-11T10:00:00Z", 95, 107)) // seven of them late and new
	s.send(nil, opens("a1", "2025-04-11T10:00:00Z", 0, 3))
	s.ok("ingest", "run", "--until-end")
	months("2025-03 held", "2025-04 open")
	if text := s.ok("rollup", "__complete", "close", "--month", "2025"); !strings.HasPrefix(text, "2025-04\n2025-03\n:") {
		t.Errorf("completed: %s", text)
	}
	text := s.ok("rollup", "status", "--month", "2025-03")
	for _, want := range []string{"closed 20", "; 7 devices came late since, which the close of 2025-04 settles; held: " + m.Held[0], "revision 1: ", ", held\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("status of a held month does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "so far") || strings.Contains(text, "will be held") {
		t.Errorf("a closed month is told of as if it was open:\n%s", text)
	}
	s.ok("rollup", "release", "--month", "2025-03", "--account", m.Held[0], "--reason", "looked into")
	m = months("2025-03 closed", "2025-04 open")[0]
	if len(m.Held) != 0 || strings.Trim(m.Totals[0].Held, "0.") != "" {
		t.Errorf("released: %+v", m)
	}
	type document struct {
		Recorded standing
		Invoices []invoice
	}
	if d := decode[document](t, s.ok("rollup", "status", "--json", "--month", "2025-03")); d.Recorded.State != "closed" || len(d.Invoices) != 1 || d.Invoices[0].Status != "final" {
		t.Errorf("status --json: %+v", d)
	}
	if text := s.ok("rollup", "months"); !strings.Contains(text, "2025-03  closed") || !strings.Contains(text, "2025-04  open") {
		t.Errorf("months:\n%s", text)
	}
}
