package counter

import "headcount/events"

// isLate tells a late event from an on-time one: an event of the month that was sealed last in this partition is late, and goes to
// that month's late windows; what is of a later month is on time; what is older is expired, as the decoder says (SetFloor), and
// comes here no more. An event's place in the log decides, before or behind its month's seal, and no clock.
func (s *Shard) isLate(m events.Month) bool { return m == s.state.Sealed }
