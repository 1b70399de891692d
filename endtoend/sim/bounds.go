package sim

import (
	"math/rand/v2"

	"headcount/events"
)

// fate is what becomes of an event by its times.
type fate uint8

const (
	countable   fate = iota
	timeless         // neither clock was ever set: a dead letter
	farOff           // too far from its record's month, or from what is sealed: a dead letter over the limit that holds nothing
	beforeBooks      // of a month before the books
)

// drawBounds gives one run in six books that open with its first month, a limit on how far away a month may be, and producers whose clocks
// say anything. They are drawn apart: a run without them is as if there were none.
func (w *World) drawBounds() {
	rng := rand.New(rand.NewPCG(w.seed, 0xb00c5))
	if rng.IntN(6) != 0 || w.years {
		return
	}
	w.bounded, w.back = true, []int{3, 119}[rng.IntN(2)] // no fewer: what is honest lies within
	if rng.IntN(4) > 0 {
		w.from = w.months[0]
	}
	w.template.From, w.template.MonthsBack = w.from, w.back
}

// misclock gives an event clocks that are wrong, or lie.
func (t *traffic) misclock(m *made) {
	w := t.w
	if m.verdict != counted && m.verdict != reported {
		return
	}
	const day = 86400_000
	switch w.draw(24) {
	case 0:
		m.stamp = []int64{0, -1, 1, 946684799_999}[w.draw(4)]
	case 1, 2: // seconds for milliseconds
		m.stamp /= 1000
	case 3: // a record of months to come, and an event of today
		m.stamp += int64(w.draw(400)) * day
	case 4: // both of months to come
		ahead := int64(20+w.draw(20_000)) * day
		m.stamp += ahead
		if m.at != 0 && m.verdict == counted {
			m.at += ahead
		}
	case 5: // an event of months to come, whose record has no timestamp
		m.stamp = 0
		if m.verdict == counted {
			m.at += int64(20+w.draw(20_000)) * day
		}
	case 6: // of a clock that was set years ago
		if m.verdict == counted {
			m.at -= int64(100+w.draw(9000)) * day
		}
	}
}

// fate says what becomes of an event in a partition where a month is sealed, 0: none; and the time and the month that count.
func (w *World) fate(m *made, sealed events.Month) (f fate, at int64, skewed bool, month events.Month) {
	at, skewed, ok := m.effective()
	if !ok {
		return timeless, 0, false, 0
	}
	month = w.monthOf(at)
	if m.verdict == reported {
		month, _ = events.ParseMonth(m.month)
	}
	switch {
	case m.stamped() && w.back > 0 && int(w.monthOf(m.stamp)-month) > w.back:
		f = farOff
	case w.back > 0 && max(sealed, w.from) > 0 && int(month-max(sealed, w.from)) > w.back:
		f = farOff
	case month < w.from:
		f = beforeBooks
	}
	return f, at, skewed, month
}
