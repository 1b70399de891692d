package decode

import (
	"fmt"

	"headcount/events"
	"headcount/events/identity"
)

// month is what the decoder keeps of a month's rules.
type month struct {
	rules *events.MonthRules
	month events.Month
	kinds events.KindTable
	noIDs *identity.Placeholders

	// from and until bound the instants that need no look at other months: those on which the month's rules and the tz database
	// in this program agree.
	from, until int64
}

// load returns a month, asking the rulebook at its first use.
func (d *Decoder) load(m events.Month) (*month, error) {
	if s := d.months[m]; s != nil {
		return s, nil
	}
	r, err := d.book.MonthRules(m)
	if err != nil {
		return nil, fmt.Errorf("rules of %s: %w", m, err)
	}
	s := &month{
		rules: r, month: m,
		from:  max(r.Start(), events.DayStart(d.zone, m.Year(), m.Calendar(), 1)*1000),
		until: min(r.End(), events.DayStart(d.zone, m.Year(), m.Calendar()+1, 1)*1000),
	}
	if s.kinds, err = r.KindTable(); err != nil {
		return nil, fmt.Errorf("rules of %s: %w", m, err)
	}
	if s.noIDs, err = identity.NewPlaceholders(r.NoIDs); err != nil {
		return nil, fmt.Errorf("rules of %s: %w", m, err)
	}
	d.months[m] = s
	return s, nil
}

// at returns the month of an instant, by the boundaries in the rules: a newer tz database does not move a month that has begun.
// Of a finished month it returns the floor, and true.
func (d *Decoder) at(ms int64) (*month, bool, error) {
	if s := d.current; s != nil && s.from <= ms && ms < s.until {
		return s, false, nil
	}
	if d.floor != 0 {
		floor, err := d.load(d.floor)
		if err != nil {
			return nil, false, err
		}
		if ms < floor.rules.Start() {
			return floor, true, nil
		}
	}
	least := max(d.floor, d.topic.From)
	m := max(events.MonthAt(d.zone, ms), least)
	s, err := d.load(m)
	if err != nil {
		return nil, false, err
	}
	if ms < s.rules.Start() && m-1 >= least {
		s, err = d.load(m - 1)
	} else if ms >= s.rules.End() {
		s, err = d.load(m + 1)
	}
	if err != nil {
		return nil, false, err
	}
	if s.from <= ms && ms < s.until {
		d.current = s
	}
	return s, false, nil
}
