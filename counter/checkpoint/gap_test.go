package checkpoint

import (
	"testing"

	"headcount/counter"
)

// A log that was cut short is gone on with from its new end, where the loss is on the record, and only there.
func TestSaveGoesBackOnlyWithAGap(t *testing.T) {
	p := open(t, newState())
	if _, _, err := load(t.Context(), p, func() *nothing { return &nothing{} }); err == nil {
		t.Fatal("a checkpoint where none was saved")
	}
	save := func(next int64, gaps ...counter.Gap) error {
		_, err := p.Save(t.Context(), &counter.Delta{Partition: identity.Partition, Position: counter.Position{Next: next, BatchOffset: -1, LeaderEpoch: -1},
			State: counter.State{Records: 10, Gaps: gaps}})
		return err
	}
	if err := save(100); err != nil {
		t.Fatal(err)
	}
	if err := save(60); err == nil {
		t.Fatal("an earlier position without a gap was saved")
	}
	gap := counter.Gap{From: 60, To: 100, Reason: "cut short"}
	if err := save(60, gap); err != nil {
		t.Fatal(err)
	}
	if err := save(50, gap); err == nil {
		t.Fatal("an earlier position without a further gap was saved")
	}
	position, state, err := p.Glance(t.Context())
	if err != nil || position.Next != 60 || len(state.Gaps) != 1 || state.Gaps[0] != gap {
		t.Errorf("a glance shows %+v, %+v, %v", position, state.Gaps, err)
	}
}

type nothing struct{}

func (*nothing) Absorb(*counter.Delta) error { return nil }
