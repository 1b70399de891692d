package recount

// noStamp says whether a record's timestamp is none: of a clock that was never set, or in seconds.
func (b *book) noStamp(stamp int64) bool { return stamp <= 0 || stamp < b.topic.OldestMS }

// tooFar says whether nobody bills a month, whatever an event of it says: it lies more months before that of the record's timestamp (0:
// the record has none) than the rules allow, or as many after the month sealed last, before the first seal after the books' opening.
func (b *book) tooFar(m Month, stamp int64, sealed Month) bool {
	most := Month(b.topic.MonthsBack)
	if most == 0 {
		return false
	}
	if stamp != 0 && b.monthOf(stamp)-m > most {
		return true
	}
	after := sealed
	if from, ok := ParseMonth(b.topic.From); ok {
		after = max(after, from)
	}
	return after != 0 && m-after > most
}

// beforeBooks says whether an instant lies before the books' opening.
func (b *book) beforeBooks(ms int64) bool { return b.topic.From != "" && ms < b.topic.FromMS }

// monthOf returns the month of an instant, by the rules where there are some.
func (b *book) monthOf(ms int64) Month {
	if r := b.at(ms); r != nil {
		return r.month
	}
	return b.monthAt(ms)
}
