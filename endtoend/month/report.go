package month

import (
	"strconv"

	"headcount/endtoend/reporter"
)

// Reporters are those that a month's quantities are signed by (package reporter).
var Reporters = []string{"gateway-0", "gateway-1", "gateway-2"}

// report writes a usage.reported record of the event's app: calls that a gateway counted, as its running total of the month,
// or the number of groups in a chat, whose highest value counts. Devices lend it their habits: the source is one of three.
func (g *Generator) report(e *event) []byte {
	n := uint64(len(e.app))
	for _, c := range e.app {
		n = n*31 + uint64(c)
	}
	passed := float64(g.made) / float64(g.Events)
	value := int64(passed*float64(10_000_000+n%5_000_000)) + int64(g.r.below(100))
	meter := "gateway_calls"
	if g.r.next()>>63 == 1 {
		meter, value = "peak_groups", int64(100_000*g.r.unit())
	}
	e.subject = append(g.subject[:0], Reporters[g.r.next()%3]...)
	b := append(g.value[:0], `{"specversion":"1.0","type":"usage.reported","source":"`...)
	b = append(b, e.subject...)
	b = append(b, `","id":"`...)
	b = appendUUID(b, e.id)
	b = append(b, `","time":"`...)
	b = g.calendar.append(b, max(e.time, g.start)) // a report of a month that has not begun would be a dead letter
	b = append(b, `","superapp":"`...)
	b = append(b, e.app...)
	b = append(b, `","meter":"`...)
	b = append(b, meter...)
	b = append(b, `","month":"`...)
	b = append(b, g.Month...)
	b = append(b, `","value":"`...)
	b = append(strconv.AppendInt(b, value, 10), `"}`...)
	return reporter.Sign(b, g.SealKey)
}
