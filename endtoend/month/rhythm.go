package month

import "time"

// rhythm maps a share of the month's events to an instant: the hours of the day and the days of the week weigh as people do.
type rhythm struct {
	start, end int64     // of the month, milliseconds since 1970, half open
	hours      []int64   // start of each hour of the month
	before     []float64 // share of the month's events before that hour; one more at the end: 1
}

var hourWeights = [24]float64{4, 2, 1, 1, 1, 2, 4, 7, 9, 9, 9, 10, 13, 12, 10, 9, 9, 10, 12, 15, 17, 17, 13, 8}

// Sunday first.
var dayWeights = [7]float64{1.25, 0.9, 0.9, 0.95, 1, 1.1, 1.3}

func newRhythm(month string, zone *time.Location) rhythm {
	first, err := time.ParseInLocation("2006-01", month, zone)
	if err != nil {
		panic("config not validated: " + err.Error())
	}
	end := time.Date(first.Year(), first.Month()+1, 1, 0, 0, 0, 0, zone)
	r := rhythm{start: first.UnixMilli(), end: end.UnixMilli()}
	sum := 0.0
	for t := first; t.Before(end); t = t.Add(time.Hour) {
		r.hours = append(r.hours, t.UnixMilli())
		r.before = append(r.before, sum)
		sum += hourWeights[t.Hour()] * dayWeights[t.Weekday()]
	}
	r.before = append(r.before, sum)
	for i := range r.before {
		r.before[i] /= sum
	}
	return r
}

// clock walks through a rhythm: shares must not fall from call to call.
type clock struct {
	rhythm
	hour int
}

func (c *clock) at(share float64) int64 {
	for c.hour+1 < len(c.hours) && share >= c.before[c.hour+1] {
		c.hour++
	}
	within := (share - c.before[c.hour]) / (c.before[c.hour+1] - c.before[c.hour])
	return min(c.hours[c.hour]+int64(within*3_600_000), c.end-1)
}
