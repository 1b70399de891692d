package worker

import (
	"errors"
	"testing"
	"time"

	"headcount/counter"
	"headcount/events"
)

// TestFigures follows a partition from its assignment to its end, as a worker tells of it.
func TestFigures(t *testing.T) {
	f := &Figures{}
	at := time.Unix(1000, 0)
	if joined, live, _ := f.Snapshot(); joined || len(live) > 0 {
		t.Errorf("before all: %t, %v", joined, live)
	}
	f.joinedGroup()
	f.assigned(3)
	f.assigned(1)
	g := f.of(3)
	g.rejected(events.BadJSON, 2)
	g.set(func(g *figure, totals *Totals) { // as counted does
		g.Next, g.Undurable = 50, at
		g.glance(counter.Glance{Skewed: 4, Unknown: 1, Devices: 9}, totals)
	})
	f.heard(3, 60)
	f.heard(3, 55) // what was heard before
	f.heard(7, 55) // of others
	g.saved(30, 100, at.Add(time.Second), time.Second)
	joined, live, totals := f.Snapshot()
	if !joined || len(live) != 2 || live[0].Partition != 1 || live[0].Phase != Restoring || live[0].End != -1 {
		t.Fatalf("%t, %+v", joined, live)
	}
	if p := live[1]; p.Lag() != 10 || p.Durable != 30 || !p.Undurable.Equal(at.Add(time.Second)) || p.CheckpointBytes != 100 || p.Devices != 9 {
		t.Errorf("%+v", p)
	}
	if totals.Dead[events.BadJSON] != 2 || totals.Skewed != 4 || totals.Unknown != 1 || totals.Checkpoints != 1 || totals.CheckpointTime != time.Second {
		t.Errorf("%+v", totals)
	}
	g.saved(50, 1, at, 0)
	g.ended(errors.New("the log was cut"))
	_, live, totals = f.Snapshot()
	if p := live[1]; !p.Undurable.IsZero() || p.Phase != Standing || p.Why == nil || totals.Halts != 1 {
		t.Errorf("%+v, %+v", p, totals)
	}
	f.revoked(3)
	g.rejected(events.BadJSON, 1) // by a worker that is on its way out
	if _, live, totals = f.Snapshot(); len(live) != 1 || totals.Dead[events.BadJSON] != 3 {
		t.Errorf("%+v, %+v", live, totals)
	}
	var none *Figures
	none.assigned(1)
	none.of(1).rejected(events.BadJSON, 1)
	none.heard(1, 2)
	none.revoked(1)
}
