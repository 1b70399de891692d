package endtoend

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"headcount/endtoend/naive"
)

// usage is what usage --json and status --json print, as far as it is compared.
type usage struct {
	Month       string
	Provisional bool
	Topic       string
	TimeZone    string `json:"time_zone"`
	Sealed      []struct{ Partition, Offset int }
	Partitions  []struct {
		Partition, Offset, End, Lag int
		Owner                       string
	}
	Usage    []appUsage
	Rejected int
	Invoices []invoice
}

type appUsage struct {
	App                                           string
	Account                                       *string
	Events, Duplicates, Skewed, Expired, Rejected int
	Before                                        int `json:"before_books"`
	Kinds                                         map[string]struct{ Exact, Estimate int }
	Meters                                        []struct {
		Meter, Verdict string
		Exact          int
		Estimate       *int
		Bound          *float64
	}
	Daily []struct {
		Day                string
		Active, New, Users int
	}
	Late []struct {
		Month   string
		Devices int
	}
	Digest string
}

type invoice struct {
	Account, Plan, Month, Currency, Status, Reason, Total string
	Revision                                              int
	Lines                                                 []struct {
		App, Meter, Quantity, Free, Billable, Amount string
		UnitPrice                                    string `json:"unit_price"`
	}
}

// meterKinds are the meters that these tests bill by, and login's, which is a peak of days.
var meterKinds = map[string]map[string][]string{
	"tcmpp/pro":          {"mau": {"open", "search", "predownload"}},
	"tcsas/professional": {"mau": {"open"}},
	"chat/standard":      {"mau": {"login"}},
	"mpaas/standard":     {"push": {"push"}, "h5": {"h5"}, "release": {"release"}, "sync": {"sync"}, "basic-analysis": {"basic-analysis"}, "custom-analysis": {"custom-analysis"}, "performance": {"performance"}},
	"im/pro":             {},
	"tcmpp/poc-pro":      {"mau": {"open", "search", "predownload"}},
	"":                   {},
}

// compare holds a printed month against the recount. plans says by which plan each app is billed.
func compare(t *testing.T, got usage, want *naive.Month, plans map[string]string) {
	t.Helper()
	if got.Rejected != want.Rejected {
		t.Errorf("%s: %d rejected without an app, want %d", got.Month, got.Rejected, want.Rejected)
	}
	var apps []string
	for _, a := range got.Usage {
		apps = append(apps, a.App)
	}
	wantApps := slices.Sorted(maps.Keys(want.Apps))
	if !slices.Equal(apps, wantApps) {
		t.Fatalf("%s: apps %q, want %q", got.Month, apps, wantApps)
	}
	for _, a := range got.Usage {
		compareApp(t, got.Month, a, want.Apps[a.App], plans[a.App])
	}
}

func compareApp(t *testing.T, month string, got appUsage, want *naive.App, plan string) {
	t.Helper()
	shown := 0
	differ := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
		if shown++; shown <= 12 { // the first ones tell enough
			t.Errorf("%s: %s %v, want %v", month, what, got, want)
		}
	}
	app := got.App + " "
	differ(app+"events", got.Events, want.Events)
	differ(app+"duplicates", got.Duplicates, want.Duplicates)
	differ(app+"skewed", got.Skewed, want.Skewed)
	differ(app+"expired", got.Expired, want.Expired)
	differ(app+"rejected", got.Rejected, want.Rejected)
	differ(app+"has a digest", len(got.Digest) > 40, true)
	for _, kind := range append([]string{"login"}, naive.DeviceKinds...) {
		exact := want.Unique([]string{kind})
		k, ok := got.Kinds[kind]
		differ(app+kind, k.Exact, exact)
		differ(app+"lists "+kind, ok, exact > 0 || kind == "open" || kind == "search" || kind == "predownload")
		near(t, app+kind, k.Estimate, exact)
	}
	differ(app+"billed", got.Account != nil, plan != "")
	seen := map[string]bool{}
	for _, m := range got.Meters {
		seen[m.Meter] = true
		kinds, ok := meterKinds[plan][m.Meter]
		switch {
		case ok:
			exact := want.Unique(kinds)
			differ(app+m.Meter, m.Exact, exact)
			differ(app+m.Meter+" verdict", m.Verdict, "agree")
			if m.Estimate == nil || m.Bound == nil {
				t.Errorf("%s: %s%s has no estimate or no bound", month, app, m.Meter)
			} else {
				near(t, app+m.Meter, *m.Estimate, exact)
			}
		case m.Meter == "peak_dau":
			differ(app+m.Meter, m.Exact, want.PeakUsers())
		case m.Meter == "peak_groups":
			differ(app+m.Meter, m.Exact, want.Gauge(m.Meter))
		default:
			differ(app+m.Meter, m.Exact, want.Counter(m.Meter))
		}
		if !ok {
			differ(app+m.Meter+" verdict", m.Verdict, "none")
			differ(app+m.Meter+" has an estimate", m.Estimate != nil, false)
		}
	}
	for m := range meterKinds[plan] {
		differ(app+"lists meter "+m, seen[m], true)
	}
	first, err := time.Parse("2006-01", month)
	if err != nil {
		t.Fatal(err)
	}
	days := first.AddDate(0, 1, -1).Day()
	if len(got.Daily) != days {
		t.Fatalf("%s: %s%d days", month, app, len(got.Daily))
	}
	for i, d := range got.Daily {
		day := i + 1
		differ(app+"day", d.Day, first.AddDate(0, 0, i).Format("2006-01-02"))
		differ(app+d.Day+" active", d.Active, want.Unique(naive.DeviceKinds, day))
		differ(app+d.Day+" new", d.New, want.New(day))
		differ(app+d.Day+" users", d.Users, want.Unique([]string{"login"}, day))
	}
}

// near checks an estimate: within six standard errors of a sketch with 2^14 registers, or 10.
func near(t *testing.T, what string, estimate, exact int) {
	t.Helper()
	if d := math.Abs(float64(estimate - exact)); d > max(10, float64(exact)*6*1.04/128) {
		t.Errorf("%s: estimate %d of %d", what, estimate, exact)
	}
}

// late returns what a month prints of another month's late devices.
func (u usage) late(app, month string) int {
	for _, a := range u.Usage {
		for _, l := range a.Late {
			if a.App == app && l.Month == month {
				return l.Devices
			}
		}
	}
	return -1
}

// settled is a usage without what may differ between two countings of the same log.
func (u usage) settled() string {
	text, err := json.MarshalIndent(u.Usage, "", " ")
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s %d", text, u.Rejected)
}
