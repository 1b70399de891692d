package verify

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/axiomhq/hyperloglog"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
	Rejected uint64           `json:"rejected"`
}

type usageApp struct {
	App        string                                      `json:"app"`
	Account    *string                                     `json:"account"`
	Events     uint64                                      `json:"events"`
	Duplicates uint64                                      `json:"duplicates"`
	Skewed     uint64                                      `json:"skewed"`
	Expired    uint64                                      `json:"expired"`
	Rejected   uint64                                      `json:"rejected"`
	Kinds      map[string]struct{ Exact, Estimate uint64 } `json:"kinds"`
	Meters     []struct {
		Meter    string   `json:"meter"`
		Exact    uint64   `json:"exact"`
		Estimate *uint64  `json:"estimate"`
		Bound    *float64 `json:"bound"`
		Verdict  string   `json:"verdict"`
		Days     []struct {
			Day   string `json:"day"`
			Value uint64 `json:"value"`
		} `json:"days"`
	} `json:"meters"`
	Daily []struct {
		Day    string `json:"day"`
		Active uint64 `json:"active"`
		New    uint64 `json:"new"`
		Users  uint64 `json:"users"`
	} `json:"daily"`
	Late []struct {
		Month   string `json:"month"`
		Devices uint64 `json:"devices"`
	} `json:"late"`
	Digest string `json:"digest"`
}

var caseless = json.MatchCaseInsensitiveNames(true)

// checkUsage compares the ledger's usage with the recount.
func (v *verification) checkUsage() error {
	var doc document
	if err := json.Unmarshal(v.stored.Document, &doc, caseless); err != nil {
		v.report.wrong("usage", "ledger, result of "+v.Month, "a document that can be read", err.Error())
		return nil
	}
	same := func(what string, got, want any) {
		v.report.same("usage", got, want, "ledger, result of %s: %s", v.Month, what)
	}
	same("month", doc.Month, v.Month)
	same("time_zone", doc.TimeZone, v.book.topic.TimeZone)
	same("topic", doc.Topic, v.closing.Topic)
	same("rejected", doc.Rejected, v.nameless)
	same("partitions", len(doc.Sealed), len(v.closing.Partitions))
	for _, s := range doc.Sealed {
		if p := v.parts[s.Partition]; p != nil && p.done() {
			v.report.same("usage", s.Offset, p.sealOffset, "ledger, result of %s: offset of the seal in partition %d", v.Month, s.Partition)
		}
	}
	same("apps with a row of their own", len(v.stored.Usage), len(doc.Usage))
	missing := map[string]bool{}
	for name, a := range v.apps {
		if a.listed || a.lateNew > 0 {
			missing[name] = true
		}
	}
	for _, text := range doc.Usage {
		var u usageApp
		if json.Unmarshal(text, &u, caseless) == nil {
			for _, m := range u.Meters {
				if m.Estimate != nil {
					v.judged++
				}
			}
		}
	}
	for i, text := range doc.Usage {
		var u usageApp
		if err := json.Unmarshal(text, &u, caseless); err != nil {
			v.report.wrong("usage", fmt.Sprintf("ledger, result of %s: usage[%d]", v.Month, i), "a document that can be read", err.Error())
			continue
		}
		if i < len(v.stored.Usage) {
			row := v.stored.Usage[i]
			v.report.same("usage", string(row.Document), string(text), "ledger, usage of %s, app %s: document", v.Month, u.App)
			v.report.same("usage", row.Digest, u.Digest, "ledger, usage of %s, app %s: digest", v.Month, u.App)
		}
		if !missing[u.App] {
			if v.before == 0 && v.closing.Previous != nil && u.Events == 0 {
				v.report.remark("app %s: that it has late devices of %s was not checked", u.App, v.closing.Previous.Month)
			} else {
				v.report.wrong("usage", "app "+u.App, "no such app", "one")
			}
			continue
		}
		delete(missing, u.App)
		v.checkApp(&u, v.apps[u.App])
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		v.report.wrong("usage", "app "+name, fmt.Sprintf("%d events", v.apps[name].events), "no such app")
	}
	return nil
}

func (v *verification) checkApp(u *usageApp, a *app) {
	same := func(check, what string, got, want any) { v.report.same(check, got, want, "app %s: %s", u.App, what) }
	same("usage counters", "events", u.Events, a.events)
	same("usage counters", "duplicates", u.Duplicates, a.repeats)
	same("usage counters", "skewed", u.Skewed, a.skewed)
	same("usage counters", "expired", u.Expired, a.stretch.expired)
	same("usage counters", "rejected", u.Rejected, a.stretch.rejected)
	same("digests", "digest of its facts and quantities", u.Digest, a.digest)
	shown := 0
	for k, name := range v.rules.Kinds {
		got, ok := u.Kinds[name]
		if ok {
			shown++
		}
		same("kinds", name+", exact", got.Exact, a.kinds[k])
		if ok {
			same("kinds", name+", estimate", got.Estimate, estimate(a.registers[k]))
		}
	}
	same("kinds", "kinds listed that the rules have", len(u.Kinds), shown)
	same("days", "days", len(u.Daily), v.month.days())
	for i, d := range u.Daily {
		day := i + 1
		if day > 31 {
			break
		}
		same("days", fmt.Sprintf("daily[%d], day", i), d.Day, fmt.Sprintf("%s-%02d", v.Month, day))
		same("days", d.Day+", active", d.Active, a.active[day])
		same("days", d.Day+", new", d.New, a.fresh[day])
		same("days", d.Day+", users", d.Users, a.users[day])
	}
	v.checkMeters(u, a)
	for _, l := range u.Late {
		switch {
		case l.Month == v.Month:
			same("late", "devices of "+l.Month, l.Devices, uint64(0))
		case v.before != 0 && l.Month == v.before.String():
			same("late", "devices of "+l.Month, l.Devices, a.lateNew)
		case v.closing.Previous == nil:
			same("late", "devices of "+l.Month, l.Devices, uint64(0))
		}
	}
}

func (v *verification) checkMeters(u *usageApp, a *app) {
	account := ""
	if u.Account != nil {
		account = *u.Account
	}
	candidates := v.prices.accountsOf(u.App)
	if !slices.Contains(candidates, account) && (account != "" || len(candidates) > 0) {
		v.report.wrong("meters", "app "+u.App+": account", strings.Join(candidates, " or "), account)
	}
	v.report.check("meters").Checked++
	plan := v.prices.planIs[account]
	if plan == nil {
		if len(u.Meters) > 0 {
			v.report.remark("app %s: the plan is not known here; its meters were not counted again", u.App)
		}
		return
	}
	seen := map[string]bool{}
	for _, m := range u.Meters {
		seen[m.Meter] = true
		at := "meter " + m.Meter
		def, ok := plan.book.Meters[m.Meter]
		if !ok {
			v.report.wrong("meters", "app "+u.App+": "+at, "a meter of "+plan.id, "it is in no book")
			continue
		}
		exact, days := v.value(a, m.Meter, def)
		v.report.same("meters", m.Exact, exact, "app %s: %s", u.App, at)
		if def.Aggregate == "unique" {
			want := estimate(v.merged(a, v.setOf(def.Kinds)))
			got := uint64(0)
			if m.Estimate != nil {
				got = *m.Estimate
			}
			v.report.same("meters", got, want, "app %s: %s, estimate", u.App, at)
			bound, verdict := v.judge(exact, want)
			v.report.same("meters", m.Bound != nil && math.Abs(*m.Bound-bound) < 0.00006, true, "app %s: %s, bound %.4f", u.App, at, bound)
			v.report.same("meters", m.Verdict, verdict, "app %s: %s, verdict", u.App, at)
		} else {
			v.report.same("meters", m.Verdict, "none", "app %s: %s, verdict", u.App, at)
			v.report.same("meters", m.Estimate != nil, false, "app %s: %s has an estimate", u.App, at)
		}
		list := map[string]uint64{}
		for _, d := range m.Days {
			list[d.Day] = d.Value
		}
		for day := 1; day <= v.month.days(); day++ {
			date := fmt.Sprintf("%s-%02d", v.Month, day)
			v.report.same("meters by day", list[date], days[day], "app %s: %s on %s", u.App, at, date)
			delete(list, date)
		}
		v.report.same("meters by day", len(list), 0, "app %s: %s, days outside the month", u.App, at)
	}
	for name := range plan.Charges {
		v.report.same("meters", seen[name], true, "app %s: meter %s of %s is listed", u.App, name, plan.id)
	}
}

// judge holds the witnesses of a meter against each other. A close of more than a thousand meters allows them more.
func (v *verification) judge(exact, estimate uint64) (bound float64, verdict string) {
	k, slack := 5.7, 10.0
	if v.judged > 1000 {
		k, slack = 6.5, 16
	}
	bound = k * 1.04 / math.Sqrt(float64(int(1)<<v.rules.Precision))
	if math.Abs(float64(exact)-float64(estimate)) > math.Max(slack, bound*float64(exact)) {
		return bound, "differ"
	}
	return bound, "agree"
}

// value returns a meter's value of the month, and of its days.
func (v *verification) value(a *app, name string, def meter) (exact uint64, days [32]uint64) {
	return v.valueIn(v.rules, a, name, def)
}

// valueIn is value of a month with its own rules.
func (v *verification) valueIn(rules *monthRules, a *app, name string, def meter) (exact uint64, days [32]uint64) {
	c := a.sets[setIn(rules, def.Kinds)]
	if c == nil {
		c = &setCount{}
	}
	switch def.Aggregate {
	case "unique":
		return c.exact, c.fresh
	case "peak_daily":
		for _, n := range c.days {
			exact = max(exact, n)
		}
		return exact, c.days
	}
	for q, t := range a.totals {
		if q.meter != name {
			continue
		}
		if def.Aggregate == "gauge" {
			exact, days[q.day] = max(exact, uint64(t.value)), max(days[q.day], uint64(t.value))
		} else {
			exact, days[q.day] = capped(exact, t.value), capped(days[q.day], t.value)
		}
	}
	days[0] = 0
	return exact, days
}

// capped adds, up to the highest number that a bill holds.
func capped(a uint64, b int64) uint64 { return min(a+uint64(b), 1<<63-1) }

func (v *verification) setOf(kinds []string) uint16 { return setIn(v.rules, kinds) }

// setIn returns kinds as a set of those that a month's rules have.
func setIn(rules *monthRules, kinds []string) (set uint16) {
	for i, k := range rules.Kinds {
		if slices.Contains(kinds, k) {
			set |= 1 << i
		}
	}
	return set
}

// setsOf returns the sets of kinds that an app's meters count.
func (v *verification) setsOf(name string) []uint16 {
	sets, ok := v.sets[name]
	if ok {
		return sets
	}
	add := func(meters map[string]meter) {
		for _, m := range meters {
			if s := v.setOf(m.Kinds); s != 0 && !slices.Contains(sets, s) {
				sets = append(sets, s)
			}
		}
	}
	for _, account := range v.prices.accountsOf(name) {
		add(v.prices.planIs[account].book.Meters)
	}
	add(v.amended.meters(name))
	v.sets[name] = sets
	return sets
}

func (v *verification) merged(a *app, set uint16) []byte {
	var all []byte
	for k, registers := range a.registers {
		if set>>k&1 == 0 {
			continue
		}
		if all == nil {
			all = make([]byte, len(registers))
		}
		for i, r := range registers {
			all[i] = max(all[i], r)
		}
	}
	return all
}

// estimate asks the library what registers stand for, in the library's own encoding.
func estimate(registers []byte) uint64 {
	if registers == nil {
		return 0
	}
	p := 0
	for 1<<p < len(registers) {
		p++
	}
	b := binary.BigEndian.AppendUint32([]byte{2, byte(p), 0, 0}, uint32(len(registers)))
	var s hyperloglog.Sketch
	if err := s.UnmarshalBinary(append(b, registers...)); err != nil {
		return 0
	}
	return s.Estimate()
}
