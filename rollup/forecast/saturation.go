package forecast

import (
	"math"
	"slices"
	"sync"
)

// curve is a population whose members come at rates that differ, by a gamma distribution: of shape a, and of a mean per day. After t days a
// share of 1 − (1 + rate·t/a)^−a has come at least once; and a further share of new ones, who were never there before, comes each day.
type curve struct{ shape, rate, fresh float64 }

func (k curve) seen(t float64) float64 {
	return 1 - math.Pow(1+k.rate*t/k.shape, -k.shape) + k.fresh*t
}

// longest is the longest month, days.
const longest = 31

// known is a curve with what it comes to after each day.
type known struct {
	curve
	after [longest + 1]float64
	prior float64 // logarithm of how likely it is before any day speaks
}

// curves that are held against the days: from those of whom a tenth come often and the rest hardly, to those who are all alike; from once
// in a hundred days to five times a day; with new ones by the day or none. Before any day speaks, a rate of once in four days is the
// likeliest: on a day there is then about a fifth of the month's devices, as is common.
var curves = sync.OnceValue(func() (all []known) {
	likeliest, off := math.Log(0.25), 0.9
	for _, shape := range []float64{0.3, 0.6, 1.2, 4, 16} {
		for rate := 0.01; rate < 5; rate *= 1.35 {
			for _, fresh := range []struct{ share, prior float64 }{{0, 0.6}, {0.01, 0.25}, {0.03, 0.15}} {
				k := known{curve: curve{shape, rate, fresh.share}}
				for t := range k.after {
					k.after[t] = k.seen(float64(t))
				}
				away := (math.Log(rate) - likeliest) / off
				k.prior = math.Log(fresh.prior) - away*away/2
				all = append(all, k)
			}
		}
	}
	return all
})

const (
	daysDiffer   = 0.15 // how much days differ by themselves: weekends, campaigns
	activeDiffer = 0.10 // how much the mean of active devices may be off, of few days
)

// fitted weighs all curves that go through what is there by how well they fit the days, and takes the middle of what they come to.
func (c *Course) fitted() Outlook {
	type end struct{ more, weight float64 }
	all, of, best := curves(), c.sums(), math.Inf(-1)
	ends := make([]end, len(all))
	for i := range all {
		k := &all[i]
		now := k.seen(c.Passed)
		ends[i] = end{float64(c.Value) * (k.after[min(len(c.Days), longest)]/now - 1), k.prior + c.likelihood(k, now, of)}
		best = max(best, ends[i].weight)
	}
	sum := 0.0
	for i := range ends {
		ends[i].weight = math.Exp(ends[i].weight - best)
		sum += ends[i].weight
	}
	slices.SortFunc(ends, func(a, b end) int {
		switch {
		case a.more < b.more:
			return -1
		case a.more > b.more:
			return 1
		}
		return 0
	})
	at := func(share float64) float64 {
		reached := 0.0
		for _, e := range ends {
			if reached += e.weight; reached >= share*sum {
				return e.more
			}
		}
		return ends[len(ends)-1].more
	}
	middle := at(0.5)
	chance := fourOfFive * math.Sqrt(middle)
	off := daysDiffer * (1 + 1/math.Sqrt(max(c.Passed, 1)))
	return c.outlook(ByFit, middle, at(0.1)*(1-off)-chance, at(0.9)*(1+off)+chance)
}

// sums are what a curve is held against.
type sums struct {
	all    float64 // that came so far
	active float64 // mean of a whole day; 0: nobody knows
	days   int     // whole ones
}

func (c *Course) sums() (s sums) {
	s.days = int(c.Passed)
	for i := range c.Days {
		s.all += float64(c.Days[i].New)
	}
	for _, d := range c.Days[:s.days] {
		s.active += float64(d.Active) / float64(s.days)
	}
	return s
}

// likelihood is the logarithm of how likely the days are by a curve, which comes to now today.
func (c *Course) likelihood(k *known, now float64, s sums) (sum float64) {
	if s.days < 2 { // the first day is what is there, whatever the curve
		return 0
	}
	population := s.all / now
	if s.active > 0 {
		off := (population*k.after[1] - s.active) / (s.active*activeDiffer + math.Sqrt(s.active) + 1)
		sum -= off * off
	}
	for i, d := range c.Days[:min(s.days, longest)] {
		want := population * (k.after[i+1] - k.after[i])
		sigma := want*daysDiffer + math.Sqrt(want) + 1
		off := (want - float64(d.New)) / sigma
		sum -= off * off
	}
	return sum / 2
}
