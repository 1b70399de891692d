package status

import (
	"slices"
	"sort"
	"time"

	"github.com/shopspring/decimal"

	"headcount/events"
	"headcount/rating"
	"headcount/rollup/forecast"
	"headcount/rollup/usage"
)

// Forecast is where a meter is heading.
type Forecast struct {
	App      string         `json:"app"`
	Meter    string         `json:"meter"`
	Exact    uint64         `json:"exact"`
	Free     string         `json:"free"`     // the plan's quota
	Used     string         `json:"used"`     // share of it, as 0.25; empty: no quota
	Forecast uint64         `json:"forecast"` // at the month's end
	Low      uint64         `json:"low"`      // in four of five cases it lies between these
	High     uint64         `json:"high"`
	By       forecast.Basis `json:"by"`
}

// forecast foretells each meter of apps that are billed. before is the month before as it was closed; nil: nobody knows.
func (d *Document) forecast(rules *events.MonthRules, zone *time.Location, now time.Time, before *usage.Document) []Forecast {
	list, gone := []Forecast{}, passed(rules.DayStarts, now.UnixMilli())
	for _, a := range d.Usage {
		if a.Account == nil {
			continue
		}
		was := appOf(before, a.App)
		_, _, meters := d.Accounts.MetersOf(d.Books, d.Month, zone, a.App)
		for _, meter := range a.Meters {
			f := Forecast{App: a.App, Meter: meter.Meter, Exact: meter.Exact}
			f.Free = d.Accounts.FreeOf(d.Books, d.Month, zone, a.App, meter.Meter)
			if free, err := decimal.NewFromString(f.Free); err == nil && free.IsPositive() {
				f.Used = decimal.NewFromUint64(meter.Exact).DivRound(free, 4).String()
			}
			o := forecast.Of(courseOf(meters, a, was, meter, gone))
			f.Forecast, f.Low, f.High, f.By = o.Value, o.Low, o.High, o.By
			list = append(list, f)
		}
	}
	return list
}

// passed is how many days of the month have passed, with the part of the present one. starts are their beginnings and the month's end.
func passed(starts []int64, now int64) float64 {
	day := sort.Search(len(starts), func(i int) bool { return starts[i] > now }) - 1
	if day < 0 || day >= len(starts)-1 {
		return float64(max(day, 0))
	}
	return float64(day) + float64(now-starts[day])/float64(starts[day+1]-starts[day])
}

// courseOf is a meter's month so far, beside the one before; of are all that the plan has.
func courseOf(of []rating.Meter, app, was usage.App, meter usage.Meter, gone float64) forecast.Course {
	c := forecast.Course{Kind: forecast.Counter, Value: meter.Exact, Passed: gone, Days: make([]forecast.Day, len(app.Daily))}
	var before []usage.Value
	if i := slices.IndexFunc(was.Meters, func(m usage.Meter) bool { return m.Meter == meter.Meter }); i >= 0 {
		c.Former, c.FormerValue, before = make([]forecast.Day, len(was.Daily)), was.Meters[i].Exact, was.Meters[i].Days
	}
	i := slices.IndexFunc(of, func(m rating.Meter) bool { return m.Name == meter.Meter })
	if i < 0 {
		return c
	}
	switch of[i].Aggregate {
	case rating.Unique:
		c.Kind = forecast.Unique
		fill(c.Days, app.Daily, meter.Days, func(d *forecast.Day, v uint64) { d.New = v })
		fill(c.Former, was.Daily, before, func(d *forecast.Day, v uint64) { d.New = v })
		whoWasThere(c.Days, app.Daily, meter.Exact, of[i].Kinds)
	case rating.PeakDaily:
		c.Kind = forecast.Peak
		fill(c.Days, app.Daily, meter.Days, func(d *forecast.Day, v uint64) { d.Active = v })
		fill(c.Former, was.Daily, before, func(d *forecast.Day, v uint64) { d.Active = v })
	case rating.Gauge:
		c.Kind = forecast.Gauge
	}
	return c
}

// appOf is an app's usage in a month; without figures, where there is none.
func appOf(d *usage.Document, app string) (none usage.App) {
	if d == nil {
		return none
	}
	if i := slices.IndexFunc(d.Usage, func(a usage.App) bool { return a.App == app }); i >= 0 {
		return d.Usage[i]
	}
	return none
}

// fill sets what is listed by day; daily names the days.
func fill(days []forecast.Day, daily []usage.Day, values []usage.Value, set func(*forecast.Day, uint64)) {
	for _, v := range values {
		if i := slices.IndexFunc(daily, func(d usage.Day) bool { return d.Day == v.Day }); i >= 0 && i < len(days) {
			set(&days[i], v.Value)
		}
	}
}

// whoWasThere sets who was active each day, where the meter counts all users, or all devices: of some kinds alone nobody knows.
func whoWasThere(days []forecast.Day, daily []usage.Day, all uint64, kinds []string) {
	users := slices.Equal(kinds, []string{"login"})
	devices := uint64(0)
	for _, d := range daily {
		devices += d.New
	}
	for i, d := range daily {
		switch {
		case users:
			days[i].Active = d.Users
		case all == devices:
			days[i].Active = d.Active
		}
	}
}
