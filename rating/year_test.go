package rating_test

import (
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

// TestYearAhead has a term that ends, a change that is announced and what follows from both, each once and in the order of days.
func TestYearAhead(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-06-01", "changes: [{at: 2026-06-10, plan: chat/premium}]"))
	from := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
	entries, err := rating.YearAhead(s.accounts, s.catalog, nil, "acme", from)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	seen := map[rating.CalendarEntry]bool{}
	for i, e := range entries {
		if seen[e] || i > 0 && e.Date < entries[i-1].Date || e.Date < "2026-06-05" || e.Date >= "2027-06-05" {
			t.Errorf("%v is not in its place", e)
		}
		seen[e] = true
		text = append(text, e.Date+" "+e.What)
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{
		"2026-06-10 plan chat/premium\n", "2026-06-10 new term, until 2026-07-10T00:00:00Z\n", "reminder of the expiry\n", "2026-07-10 expired\n", "2026-07-11 suspended\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if _, err := rating.YearAhead(s.accounts, s.catalog, nil, "acne", from); err == nil || !strings.Contains(err.Error(), `did you mean "acme"?`) {
		t.Errorf("an unknown account: %v", err)
	}
}

func TestDescribeOne(t *testing.T) {
	for name, plans := range map[string]int{"chat": len(builtinBook(t, "chat").Plans), "chat/premium": 1} {
		b, err := builtin(t).DescribeOne(name)
		if err != nil || b.Book != "chat" || len(b.Plans) != plans || plans == 1 && b.Plans[0].Plan != name {
			t.Errorf("%s: %s with %d plans, %v", name, b.Book, len(b.Plans), err)
		}
	}
	for name, want := range map[string]string{"chat/premiun": `no book or plan is called chat/premiun; did you mean "chat/premium"?`, "?": "no book or plan is called ?"} {
		if _, err := builtin(t).DescribeOne(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func builtinBook(t *testing.T, name string) *rating.Book {
	t.Helper()
	for _, b := range builtin(t).Books() {
		if b.Name == name {
			return b
		}
	}
	t.Fatalf("no book %s", name)
	return nil
}
