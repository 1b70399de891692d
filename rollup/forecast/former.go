package forecast

// changes is by how much what is still to come may differ from the month before's, to either side.
const changes = 0.35

// asBefore scales the curve of the month before: where it had a share of its devices by the same time, so has this one. false: there is none
// that can be scaled.
func (c *Course) asBefore() (Outlook, bool) {
	const few = 30 // devices by which no curve is told
	then, end := reached(c.Former, c.Passed), reached(c.Former, float64(len(c.Days)))
	if then < few || end <= then {
		return Outlook{}, false
	}
	more := float64(c.Value) * (end - then) / then
	return c.outlook(ByFormer, more, more*(1-changes), more*(1+changes)), true
}

// reached is how many devices had come when so many days of the month had passed. Past its end it goes on as in its last week.
func reached(days []Day, passed float64) (sum float64) {
	for i, d := range days {
		part := min(max(passed-float64(i), 0), 1)
		sum += part * float64(d.New)
	}
	if past := passed - float64(len(days)); past > 0 {
		week := min(7, len(days))
		for _, d := range days[len(days)-week:] {
			sum += past * float64(d.New) / float64(week)
		}
	}
	return sum
}
