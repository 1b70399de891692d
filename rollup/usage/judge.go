package usage

import "math"

// Bounds say how far the witnesses of a meter may lie apart: K standard errors, and Slack devices at least.
type Bounds struct {
	K     float64 `json:"k"`
	Slack float64 `json:"slack"`
}

// Witnesses say by which bounds the meters of a close are judged: up to Many by the narrow ones, more by the wide.
type Witnesses struct {
	Many   int    `json:"many"`
	Narrow Bounds `json:"narrow"`
	Wide   Bounds `json:"wide"`
}

// Of returns the bounds of a close that judges so many meters.
func (w *Witnesses) Of(meters int) Bounds {
	if meters > w.Many {
		return w.Wide
	}
	return w.Narrow
}

// A false alarm is rarer than one in 10,000 closes. Of one meter it is rarer than 1 in 10 million within Narrow (worst around 220
// devices, where chance collisions are few and so not normal, and from 200,000 on, where the error is normal), which is enough
// for so many meters; rarer than 1 in a billion within Wide, which is enough for 100,000. TestWitnesses shows both.
var (
	Narrow = Bounds{K: 5.7, Slack: 10}
	Wide   = Bounds{K: 6.5, Slack: 16}
)

const many = 1000

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
	bounds := g.limits.Witnesses.Of(judged)
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
