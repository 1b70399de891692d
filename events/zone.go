package events

import (
	"math"
	"sync/atomic"
	"time"

	"headcount/internal/zoneinfo"
)

// tz is the tz database in use; nil: the one in the program.
var tz atomic.Pointer[zoneinfo.Database]

// UseZoneinfo has LoadZone take zones from another database than the one in the program; nil: from that again. It is for the start of a
// program: what was made before keeps its boundaries, as rules do.
func UseZoneinfo(db *zoneinfo.Database) { tz.Store(db) }

// Zoneinfo is the tz database in use.
func Zoneinfo() *zoneinfo.Database {
	if db := tz.Load(); db != nil {
		return db
	}
	return zoneinfo.Embedded()
}

// LoadZone returns the time zone of an IANA name, such as Asia/Shanghai, from the database in use, never the host's.
func LoadZone(name string) (*time.Location, error) { return Zoneinfo().Load(name) }

// dayStarts returns the first instant of each day of m in the zone, and the first instant after the month, in milliseconds. A
// day begins with the first instant whose local date is that day or a later one: where the clock skips midnight, that is the
// end of the gap; where it skips the day, the next day's beginning, so that the skipped day is empty; where it goes back across
// midnight, the first of the two.
func dayStarts(zone *time.Location, m Month) []int64 {
	starts := make([]int64, m.Days()+1)
	midnight := localMidnight(m.Year(), m.Calendar(), 1)
	at := spanAt(zone, midnight-earlier)
	for i := range starts {
		if midnight-earlier >= at.until {
			at = spanAt(zone, midnight-earlier)
		}
		starts[i] = at.reach(zone, midnight) * 1000
		midnight += 86_400
	}
	return starts
}

// DayStart returns the first instant (seconds since 1970) whose local date is the given one or later.
func DayStart(zone *time.Location, year int, month time.Month, day int) int64 {
	midnight := localMidnight(year, month, day)
	at := spanAt(zone, midnight-earlier)
	return at.reach(zone, midnight)
}

// localMidnight is where a date begins as local clocks count: seconds since 1970, as if they showed UTC.
func localMidnight(year int, month time.Month, day int) int64 {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
}

// earlier is where the search for a midnight begins, seconds before it in UTC: no zone is more than a day and a half away, with
// room for a jump, so that it is an earlier date there.
const earlier = 36 * 3600

// span is a time in which a zone's clocks do not jump, seconds since 1970.
type span struct{ from, until, offset int64 }

// spanAt returns one that begins at an instant.
func spanAt(zone *time.Location, from int64) span {
	t := time.Unix(from, 0).In(zone)
	_, offset := t.Zone()
	s := span{from, math.MaxInt64, int64(offset)}
	if _, end := t.ZoneBounds(); !end.IsZero() {
		if s.until = end.Unix(); s.until <= from {
			s.until = from + 3600 // beyond the zone's table, ZoneBounds ends a leap year a day too early
		}
	}
	return s
}

// reach returns the first instant from the span on at which local clocks show a midnight or later.
func (s span) reach(zone *time.Location, midnight int64) int64 {
	for {
		if start := max(midnight-s.offset, s.from); start < s.until {
			return start
		}
		s = spanAt(zone, s.until)
	}
}

// MonthAt returns the month that an instant, milliseconds since 1970, lies in.
func MonthAt(zone *time.Location, ms int64) Month {
	t := time.UnixMilli(ms).In(zone)
	m := MonthOf(t.Year(), t.Month())
	if t.Day() >= 27 { // a clock that goes back across midnight reads the old month again
		if next := m + 1; ms >= DayStart(zone, next.Year(), next.Calendar(), 1)*1000 {
			return next
		}
	}
	return m
}
