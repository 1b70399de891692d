package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"headcount/events"
)

// limits are what a month may hold in one partition; 0: as much as there is. What is past them is a dead letter.
type limits struct {
	devices    int // of all apps
	appDevices int // devices and users of one
	apps       int
	sources    int // of a meter of an app
	bytes      int // of a record
}

// someLimits are few, and those of a zone always the same, so that runs share rules that were read once.
var someLimits = []limits{
	{appDevices: 4},
	{devices: 12, sources: 1},
	{devices: 20, appDevices: 7, apps: 2},
	{appDevices: 9, bytes: 400},
}

// drawLimits gives one run in eight limits that some apps pass. They are drawn apart: a run without them is as if there were none.
func (w *World) drawLimits() {
	rng := rand.New(rand.NewPCG(w.seed, 0x11417))
	if rng.IntN(8) != 0 || w.years {
		return
	}
	w.limited, w.limits = true, someLimits[slices.Index(zones, w.zoneName)%len(someLimits)]
	w.flooded = rng.IntN(4) // an app that is not there: none
	set := func(to *int, limit int) {
		if limit > 0 {
			*to = limit
		}
	}
	to := &w.template.Limits
	set(&to.DevicesPerPartition, w.limits.devices)
	set(&to.DevicesPerApp, w.limits.appDevices)
	set(&to.AppsPerPartition, w.limits.apps)
	set(&to.QuantitySources, w.limits.sources)
	set(&to.RecordBytes, w.limits.bytes)
}

// press makes an event one of a flood, now and then, or as long as a record may be, or longer.
func (t *traffic) press(m *made) {
	w := t.w
	if m.verdict != counted {
		return
	}
	if w.flooded < len(t.apps) && m.app == t.apps[w.flooded] && m.kind != login && w.chanceEven() {
		m.who = "invented-" + w.name()
	}
	if w.limits.bytes > 0 && w.draw(20) == 0 {
		m.size = w.limits.bytes + w.draw(2)
	}
}

// pad makes a record as long as it is to be.
func (m *made) pad(b []byte) []byte {
	const name = `,"extra":"`
	b = append(b[:len(b)-1], name...)
	for len(b) < m.size-2 {
		b = append(b, 'x')
	}
	return append(b, `"}`...)
}

// past says whether a record of a month is past a limit, given what the month holds so far.
func (w *World) past(in windows, m *made) bool {
	l := &w.limits
	a := in[m.app]
	switch {
	case a == nil && l.apps > 0 && len(in) >= l.apps:
		return true
	case m.verdict == reported:
		return a != nil && l.sources > 0 && a.pastSources(m, l.sources)
	case a != nil && a.facts[m.who] != nil: // known
		return false
	case a != nil && l.appDevices > 0 && len(a.facts) >= l.appDevices:
		return true
	}
	return l.devices > 0 && in.devices() >= l.devices
}

func (ws windows) devices() (n int) {
	for _, a := range ws {
		n += len(a.facts)
	}
	return n
}

func (x *window) pastSources(m *made, most int) bool {
	var sources []string
	for at := range x.totals {
		if at.meter == m.meter && !slices.Contains(sources, at.source) {
			sources = append(sources, at.source)
		}
	}
	return len(sources) >= most && !slices.Contains(sources, m.source)
}

// mayPass says whether an app may have been past a limit in a month of a partition that held so much at most.
func (w *World) mayPass(app string, most windows) bool {
	l := &w.limits
	return w.limited && (l.apps > 0 && len(most) > l.apps || l.appDevices > 0 && len(most.of(app).facts) > l.appDevices ||
		l.devices > 0 && most.devices() > l.devices)
}

// past says whether an app had records over a limit, which hold its account's invoice by their number.
func (c *comparison) past(app string, a *appMonth, v *bill) bool {
	want := ""
	if a != nil && a.past > 0 {
		c.w.event(pastLimit)
		want = fmt.Sprintf("app %s: %d records were over a limit and not counted", app, a.past)
	}
	got := ""
	for reason := range strings.SplitSeq(v.Reason, "; ") {
		if strings.HasPrefix(reason, "app "+app+": ") && strings.Contains(reason, "over a limit") {
			got = reason
		}
	}
	c.same("reason", got, want)
	return want != ""
}

// mostHeld is all that a month of a partition may have held before its seal, of what ever was there; nil without limits.
func (w *World) mostHeld(m events.Month, p *partition, seal events.Offset) windows {
	if !w.limited {
		return nil
	}
	held := windows{}
	for k, b := range p.all() {
		for i, rec := range b.made {
			gone := k >= len(p.old)+len(p.batches)
			if b.aborted || !gone && b.records[i].Offset >= seal || rec.verdict != counted && rec.verdict != reported {
				continue
			}
			f, at, _, month := w.fate(rec, 0)
			if f != countable || month != m {
				continue
			}
			if rec.verdict == counted {
				held.of(rec.app).take(w, rec, at)
			} else {
				held.of(rec.app)
			}
		}
	}
	return held
}
