package counter

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestGlance holds the numbers that are kept in passing against those of the windows.
func TestGlance(t *testing.T) {
	book := newTestBook(nil)
	shard := NewShard(testID, book, testKeys)
	l := newTestLog()
	l.now = time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		switch r.IntN(10) {
		case 0:
			l.event("some.other", guid(1), "app-1", dayOf(october, 2))
		case 1:
			l.event("miniprogram.open", guid(r.IntN(50)), "app-2", l.now.AddDate(2, 0, 0)) // skewed, often a repeat
		default:
			l.open(r.IntN(3000), "app-1", october, 1+r.IntN(2))
		}
	}
	countAll(t, shard, l.records)
	var skewed, devices uint64
	for _, in := range shard.open {
		for _, w := range in.windows {
			skewed += w.counters.Skewed
			devices += uint64(w.devices())
		}
	}
	g := shard.Glance()
	if g.Skewed != skewed || skewed == 0 || uint64(g.Devices) != devices || g.Apps != 2 || g.Unknown == 0 || g.Unknown != shard.state.Unknown {
		t.Errorf("%+v; the windows have %d devices and %d skewed events", g, devices, skewed)
	}
}

// TestDeviation: an honest window's witnesses lie a few standard errors apart at most; where the dictionary forgets every third
// device they do not.
func TestDeviation(t *testing.T) {
	book := newTestBook(nil)
	shard := NewShard(testID, book, testKeys)
	l := newTestLog()
	for i := range 20_000 {
		l.open(i, "app-1", october, 1)
	}
	countAll(t, shard, l.records)
	if d := shard.Deviation(); d <= 0 || d > 5 {
		t.Errorf("honest witnesses lie %v standard errors apart", d)
	}
	w := shard.open[october].windows["app-1"]
	for i := range uint32(1 << w.precision) { // registers of devices that the dictionary does not have
		if i%3 == 0 {
			w.sketch(0).raise(i, 6)
		}
	}
	if d := shard.Deviation(); d < 5.7 {
		t.Errorf("after registers rose without a device, the witnesses lie only %v standard errors apart", d)
	}
	shard.Cut(Position{Next: 20_000})
	if d := shard.Deviation(); d != 0 {
		t.Errorf("nothing changed since the cut, and the deviation is %v", d)
	}
}
