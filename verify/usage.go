package verify

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headcount/verify/recount"
	"headcount/verify/report"
)

// document is the printed usage, as the ledger stores it.
type document struct {
	Month    string `json:"month"`
	TimeZone string `json:"time_zone"`
	Topic    string `json:"topic"`
	Sealed   []struct {
		Partition int32 `json:"partition"`
		Offset    int64 `json:"offset"`
	} `json:"sealed"`
	Usage    []jsontext.Value `json:"usage"`
	Others   *others          `json:"others"` // nil: all apps are listed
	Rejected uint64           `json:"rejected"`

	BeforeBooks uint64   `json:"before_books"`
	Unknown     []ofType `json:"unknown"`
}

// ofType counts events of an unknown type.
type ofType struct {
	Type   string `json:"type"`
	Events uint64 `json:"events"`
}

// usageApp is an app's element of it.
type usageApp struct {
	App        string                                      `json:"app"`
	Account    *string                                     `json:"account"`
	Events     uint64                                      `json:"events"`
	Duplicates uint64                                      `json:"duplicates"`
	Skewed     uint64                                      `json:"skewed"`
	Expired    uint64                                      `json:"expired"`
	Rejected   uint64                                      `json:"rejected"`
	Kinds      map[string]struct{ Exact, Estimate uint64 } `json:"kinds"`
	Meters     []usageMeter                                `json:"meters"`
	Daily      []struct {
		Day    string `json:"day"`
		Active uint64 `json:"active"`
		New    uint64 `json:"new"`
		Users  uint64 `json:"users"`
	} `json:"daily"`
	Late []struct {
		Month   string `json:"month"`
		Devices uint64 `json:"devices"`
		Users   uint64 `json:"users"`
	} `json:"late"`
	Digest string `json:"digest"`

	BeforeBooks uint64   `json:"before_books"`
	Unknown     []ofType `json:"unknown"`
}

type usageMeter struct {
	Meter    string   `json:"meter"`
	Exact    uint64   `json:"exact"`
	Estimate *uint64  `json:"estimate"`
	Bound    *float64 `json:"bound"`
	Verdict  string   `json:"verdict"`
	Days     []struct {
		Day   string `json:"day"`
		Value uint64 `json:"value"`
	} `json:"days"`
}

// caseless: what a kind has as "exact" is Exact here.
var caseless = json.MatchCaseInsensitiveNames(true)

// usageCheck is the comparison of a month's usage in the ledger with what was counted again.
type usageCheck struct {
	m      *closedMonth
	n      *recount.Numbers
	bounds bounds
	differ map[string]bool // apps with a meter whose witnesses lie too far apart
	r      *report.Report
}

// checkUsage compares the ledger's usage with the recount.
func checkUsage(m *closedMonth, n *recount.Numbers, r *report.Report) {
	var doc document
	if err := json.Unmarshal(m.stored.Document, &doc, caseless); err != nil {
		r.Wrong("usage", "ledger, result of "+m.name, "a document that can be read", err.Error())
		return
	}
	c := usageCheck{m, n, m.limits.bounds(doc.Usage, m.subject.Rules.Precision), map[string]bool{}, r}
	c.head(&doc)
	c.apps(doc.Usage, doc.Others)
	c.holds()
}

// shown says whether the usage has an app.
func (c *usageCheck) shown(a *recount.App) bool {
	return a.Listed || a.LateNew > 0 || a.LateUsers > 0 && c.m.limits.FarLimit != nil
}

// typesText is a list of unknown types as a difference shows it.
func typesText(all []ofType) string {
	text := ""
	for _, x := range all {
		text += fmt.Sprintf("%d %q ", x.Events, x.Type)
	}
	return text
}

func wantedTypes(u *recount.Unbilled) string {
	var all []ofType
	for _, name := range slices.Sorted(maps.Keys(u.Unknown)) {
		all = append(all, ofType{name, u.Unknown[name]})
	}
	return typesText(all)
}

// apps compares the apps: those of the usage, and those that were counted and are not in it.
func (c *usageCheck) apps(usage []jsontext.Value, rest *others) {
	missing, unlisted := map[string]bool{}, c.unlisted()
	for name, a := range c.n.Apps {
		if c.shown(a) && !unlisted[name] {
			missing[name] = true
		}
	}
	c.others(rest, unlisted)
	for i, text := range usage {
		var u usageApp
		if err := json.Unmarshal(text, &u, caseless); err != nil {
			c.r.Wrong("usage", fmt.Sprintf("ledger, result of %s: usage[%d]", c.m.name, i), "a document that can be read", err.Error())
			continue
		}
		if i < len(c.m.stored.Usage) {
			row := c.m.stored.Usage[i]
			c.r.Same("usage", string(row.Document), string(text), "ledger, usage of %s, app %s: document", c.m.name, u.App)
			c.r.Same("usage", row.Digest, u.Digest, "ledger, usage of %s, app %s: digest", c.m.name, u.App)
		}
		switch {
		case missing[u.App]:
			delete(missing, u.App)
			c.app(&u)
		case c.n.Before == 0 && c.m.subject.Closing.Previous != nil && u.Events == 0:
			c.r.Remark("app %s: that it has late devices of %s was not checked", u.App, c.m.subject.Closing.Previous.Month)
		default:
			c.r.Wrong("usage", "app "+u.App, "no such app", "one")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		c.r.Wrong("usage", "app "+name, fmt.Sprintf("%d events", c.n.Apps[name].Events), "no such app")
	}
}

// head compares what the usage says beside its apps.
func (c *usageCheck) head(doc *document) {
	same := func(what string, got, want any) {
		c.r.Same("usage", got, want, "ledger, result of %s: %s", c.m.name, what)
	}
	same("month", doc.Month, c.m.name)
	same("time_zone", doc.TimeZone, c.m.subject.TimeZone)
	same("topic", doc.Topic, c.m.subject.Closing.Topic)
	same("rejected", doc.Rejected, c.n.Nameless.Rejected)
	same("before the books", doc.BeforeBooks, c.n.Nameless.BeforeBooks+c.n.Unbilled.Unopened)
	same("unknown types", typesText(doc.Unknown), wantedTypes(&c.n.Unbilled))
	same("partitions", len(doc.Sealed), len(c.m.subject.Closing.Partitions))
	for _, s := range doc.Sealed {
		if offset, ok := c.n.Seals[s.Partition]; ok {
			c.r.Same("usage", s.Offset, offset, "ledger, result of %s: offset of the seal in partition %d", c.m.name, s.Partition)
		}
	}
	same("apps with a row of their own", len(c.m.stored.Usage), len(doc.Usage))
}

// app compares an app's usage.
func (c *usageCheck) app(u *usageApp) {
	a := c.n.Apps[u.App]
	same := func(check, what string, got, want any) { c.r.Same(check, got, want, "app %s: %s", u.App, what) }
	same("usage counters", "events", u.Events, a.Events)
	same("usage counters", "duplicates", u.Duplicates, a.Repeats)
	same("usage counters", "skewed", u.Skewed, a.Skewed)
	same("usage counters", "expired", u.Expired, a.Stretch.Expired+a.Finished)
	same("usage counters", "rejected", u.Rejected, a.Stretch.Rejected)
	same("usage counters", "before the books", u.BeforeBooks, a.Stretch.BeforeBooks+a.Unopened)
	same("usage counters", "unknown types", typesText(u.Unknown), wantedTypes(&a.Unbilled))
	same("digests", "digest of its facts and quantities", u.Digest, a.Digest)
	shown := 0
	for k, name := range c.m.subject.Rules.Kinds {
		got, ok := u.Kinds[name]
		if ok {
			shown++
		}
		same("kinds", name+", exact", got.Exact, a.Exact(k))
		if ok {
			same("kinds", name+", estimate", got.Estimate, a.Estimate(1<<k))
		}
	}
	same("kinds", "kinds listed that the rules have", len(u.Kinds), shown)
	same("days", "days", len(u.Daily), c.m.subject.Month.Days())
	for i, d := range u.Daily {
		day := i + 1
		if day > 31 {
			break
		}
		same("days", fmt.Sprintf("daily[%d], day", i), d.Day, fmt.Sprintf("%s-%02d", c.m.name, day))
		same("days", d.Day+", active", d.Active, a.Active[day])
		same("days", d.Day+", new", d.New, a.Fresh[day])
		same("days", d.Day+", users", d.Users, a.Users[day])
	}
	c.meters(u, a)
	for _, l := range u.Late {
		switch {
		case l.Month == c.m.name, c.m.subject.Closing.Previous == nil:
			same("late", "devices of "+l.Month, l.Devices, uint64(0))
			same("late", "users of "+l.Month, l.Users, uint64(0))
		case c.n.Before != 0 && l.Month == c.n.Before.String():
			same("late", "devices of "+l.Month, l.Devices, a.LateNew)
			if c.m.limits.FarLimit != nil { // by a release that lists them
				same("late", "users of "+l.Month, l.Users, a.LateUsers)
			}
		}
	}
}
