package checkpoint

import (
	"errors"
	"fmt"
	"testing"

	"headcount/counter"
	"headcount/events"
)

// A log that was cut short is gone on with from its new end, where the loss is on the record, and only there.
func TestSaveGoesBackOnlyWithAGap(t *testing.T) {
	p := open(t, newState())
	if _, _, err := load(t.Context(), p, func() *nothing { return &nothing{} }); err == nil {
		t.Fatal("a checkpoint where none was saved")
	}
	save := func(next events.Offset, gaps ...counter.Gap) error {
		_, err := p.Save(t.Context(), &counter.Delta{Partition: shardID.Partition, Position: counter.Position{Next: next, BatchOffset: -1, LeaderEpoch: -1},
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

// Rules that cannot be read for the moment are no damage: nothing is skipped, and nothing counted again.
func TestRulesThatCannotBeReadAreNoDamage(t *testing.T) {
	disk := newState()
	p := open(t, disk)
	_, _, _ = load(t.Context(), p, func() *nothing { return &nothing{} })
	if _, err := p.Save(t.Context(), &counter.Delta{Partition: shardID.Partition, Position: counter.Position{Next: 1, BatchOffset: -1, LeaderEpoch: -1}}); err != nil {
		t.Fatal(err)
	}
	_, loaded, err := load(t.Context(), open(t, disk), func() ruleless { return ruleless{} })
	if err == nil || errors.Is(err, ErrNone) || errors.Is(err, ErrDamaged) || loaded != nil && len(loaded.Skipped) > 0 {
		t.Errorf("loaded %+v, %v; want an error that says neither damage nor that there is none", loaded, err)
	}
}

// ruleless is a shard whose rulebook does not answer.
type ruleless struct{}

func (ruleless) Absorb(*counter.Delta) error {
	return fmt.Errorf("app %q: %w: %w", "a", counter.ErrRules, errRemote)
}

func (ruleless) Ready() error { return nil }

type nothing struct{}

func (*nothing) Absorb(*counter.Delta) error { return nil }
func (*nothing) Ready() error                { return nil }
