// Package forecast says what the meters of a month that is running will come to. Its functions are pure: figures in, figures out.
//
// A straight line is right for what adds up, and for nothing else: most devices of a month have come in its first days, and a peak does not
// grow with the days. So
//
//	devices, users   by how far the month before was at the same time, or else by a curve of saturation that fits the days so far
//	peaks       stay as they are; how much higher a day may yet be is in the interval
//	counters    by the pace so far
//	gauges      stay as they are
//
// An interval is meant to hold the figure of the month's end in four of five cases; TestBacktest measures it on months that are made up.
//
//	forecast.go  the cases
//	former.go    the curve of the month before
//	saturation.go  curves that fit
package forecast

import "math"

// Kind is what a meter counts, as far as its course depends on it.
type Kind int

const (
	Unique  Kind = iota // different devices, or users, in the month
	Peak                // those of the day with the most
	Counter             // adds up
	Gauge               // the highest
)

// Day is a day of what is counted.
type Day struct {
	New    uint64 // of Unique: those whose first day of the month it is
	Active uint64 // all that were there; of Unique 0 where nobody knows
}

// Course is a meter's month so far.
type Course struct {
	Kind   Kind
	Value  uint64  // so far
	Days   []Day   // of the whole month, in order; what is to come is zero
	Passed float64 // days, with the part of the present one: 2.5 is noon of the third

	Former      []Day  // of the month before; nil: nobody knows
	FormerValue uint64 // in it
}

// Outlook is what a meter will come to.
type Outlook struct {
	Value     uint64
	Low, High uint64 // between which it will lie, in four of five cases
	By        Basis
}

// Basis is what an outlook goes by.
type Basis string

const (
	ByFormer Basis = "former month" // its curve, scaled
	ByFit    Basis = "fitted curve"
	ByPace   Basis = "pace"
	AsItIs   Basis = "as it is" // a peak, or a month that is over
)

// Of foretells a meter. No outlook is below what is there already.
func Of(c Course) Outlook {
	still := Outlook{c.Value, c.Value, c.Value, AsItIs}
	if c.Passed <= 0 || c.Passed >= float64(len(c.Days)) || c.Value == 0 {
		return still
	}
	switch c.Kind {
	case Peak:
		still.High = max(c.Value, whole(c.highest()))
		return still
	case Gauge:
		still.High = max(c.Value, c.FormerValue)
		return still
	case Counter:
		return c.paced()
	case Unique:
		if o, ok := c.asBefore(); ok {
			return o
		}
	}
	return c.fitted()
}

// paced stretches what adds up to the month's end. Days differ by about half of their mean, and so do those that were seen.
func (c *Course) paced() Outlook {
	const differ = 0.5
	rest := float64(len(c.Days)) - c.Passed
	day := float64(c.Value) / c.Passed
	sigma := day * differ * math.Sqrt(rest+rest*rest/c.Passed)
	return c.outlook(ByPace, day*rest, day*rest-fourOfFive*sigma, day*rest+fourOfFive*sigma)
}

// fourOfFive is how many standard deviations to either side hold four of five cases.
const fourOfFive = 1.2816

// outlook adds what is to come to what is there.
func (c *Course) outlook(by Basis, more, low, high float64) Outlook {
	add := func(v float64) uint64 { return c.Value + whole(max(v, 0)) }
	return Outlook{add(more), add(min(low, more)), add(max(high, more)), by}
}

// whole rounds, within what can be counted.
func whole(v float64) uint64 {
	if v >= 1<<62 {
		return 1 << 62
	}
	return uint64(math.Round(max(v, 0)))
}

// highest is what the busiest day may yet come to: that of the month before beside days like these, or what chance makes of them.
func (c *Course) highest() float64 {
	seen := active(c.Days[:int(c.Passed)])
	if len(seen) == 0 {
		return float64(c.Value) * (1 + 1/max(c.Passed, 0.25)/4)
	}
	mean, sigma := spread(seen)
	rest := float64(len(c.Days) - len(seen))
	high := mean + sigma*math.Sqrt(2*math.Log(max(rest, math.E)))
	if before := active(c.Former); len(before) > len(seen) {
		if like, _ := spread(before[:len(seen)]); like > 0 {
			highest := 0.0
			for _, v := range before[len(seen):] {
				highest = max(highest, v)
			}
			high = max(high, highest*mean/like)
		}
	}
	return high
}

func active(days []Day) []float64 {
	all := make([]float64, len(days))
	for i, d := range days {
		all[i] = float64(d.Active)
	}
	return all
}

// spread returns mean and standard deviation; of a single figure, a quarter of it.
func spread(all []float64) (mean, sigma float64) {
	for _, v := range all {
		mean += v / float64(len(all))
	}
	if len(all) == 1 {
		return mean, mean / 4
	}
	for _, v := range all {
		sigma += (v - mean) * (v - mean) / float64(len(all)-1)
	}
	return mean, math.Sqrt(sigma)
}
