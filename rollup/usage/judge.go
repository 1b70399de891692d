package usage

import "math"

// Bounds say how far the witnesses of a meter may lie apart: K standard errors, and Slack devices at least.
type Bounds struct {
	K     float64
	Slack float64
}

// A false alarm is rarer than one in 10,000 closes. Of one meter it is rarer than 1 in 10 million within Narrow (worst around 220
// devices, where chance collisions are few and so not normal, and from 200,000 on, where the error is normal), which is enough
// for Many meters; rarer than 1 in a billion within Wide, which is enough for 100,000. TestWitnesses shows both.
var (
	Narrow = Bounds{K: 5.7, Slack: 10}
	Wide   = Bounds{K: 6.5, Slack: 16}
)

// Many is up to how many meters of a close are judged by Narrow.
const Many = 1000

// BoundsOf returns the bounds of a close that judges so many meters.
func BoundsOf(meters int) Bounds {
	if meters > Many {
		return Wide
	}
	return Narrow
}

// Judge compares the witnesses of a meter with sketches of precision p.
func (b Bounds) Judge(exact, estimate uint64, p int) (Bound, Verdict) {
	bound := b.K * 1.04 / math.Sqrt(float64(uint64(1)<<p))
	apart := math.Abs(float64(exact) - float64(estimate))
	if apart > math.Max(b.Slack, bound*float64(exact)) {
		return Bound(bound), Differ
	}
	return Bound(bound), Agree
}

// judge gives every meter that has an estimate its verdict, and notes those that differ.
func (g *gatherer) judge() {
	judged := 0
	for i := range g.doc.Usage {
		for _, m := range g.doc.Usage[i].Meters {
			if m.Estimate != nil {
				judged++
			}
		}
	}
	bounds := BoundsOf(judged)
	for i := range g.doc.Usage {
		a := &g.doc.Usage[i]
		for j := range a.Meters {
			m := &a.Meters[j]
			if m.Estimate == nil {
				continue
			}
			bound, verdict := bounds.Judge(m.Exact, *m.Estimate, g.rules.Precision)
			if m.Bound, m.Verdict = &bound, verdict; verdict == Differ {
				g.note(a.App, "meter %s: exact count %d and estimate %d lie further apart than %.2f %%", m.Meter, m.Exact, *m.Estimate, 100*float64(bound))
			}
		}
	}
}
