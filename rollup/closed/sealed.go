package closed

import (
	"context"
	"errors"
	"fmt"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rollup/usage"
)

// Restorer puts back a partition's sealed month that is lost or damaged, as why says, or says why it cannot.
type Restorer func(ctx context.Context, m *Month, p events.Partition, why error) error

// notRestored is a Restorer without a log.
func notRestored(_ context.Context, m *Month, p events.Partition, why error) error {
	return &SealedMonthLostError{Partition: p, Month: m.Month, Err: why}
}

// OpenSealed opens the sealed months of the closing's partitions. They are verified. It returns a
// *ForeignSealError, what restore fails with, or what the state store does.
func (m *Month) OpenSealed(ctx context.Context, restore Restorer) error {
	for _, p := range m.Closing.Partitions {
		s, err := m.openPartition(ctx, p, restore)
		if err != nil {
			return err
		}
		m.sealed = append(m.sealed, s)
	}
	return nil
}

func (m *Month) openPartition(ctx context.Context, p events.Partition, restore Restorer) (*checkpoint.SealedMonth, error) {
	sealed, err := m.Partition(p).OpenSealed(ctx, m.Month)
	gone := errors.Is(err, checkpoint.ErrNotSealed) || errors.Is(err, checkpoint.ErrDamaged)
	if gone {
		if err := restore(ctx, m, p, err); err != nil {
			return nil, err
		}
		sealed, err = m.Partition(p).OpenSealed(ctx, m.Month)
	}
	if err != nil {
		return nil, fmt.Errorf("partition %d: %w", p, err)
	}
	if sealed.Index.SealID != m.Closing.SealID {
		sealed.Close()
		return nil, &ForeignSealError{m.Month, p, sealed.Index.SealID, m.Closing.SealID}
	}
	return sealed, nil
}

// Sealed are the sealed months that were opened, as the closing's partitions.
func (m *Month) Sealed() []*checkpoint.SealedMonth { return m.sealed }

// SettledBy says whose sealed months hold what came late of this one; Close closes that too.
func (m *Month) SettledBy(next *Month) { m.next = next }

// OnTime are the facts that the month was sealed with.
func (m *Month) OnTime() (readers []counter.RowReader) {
	for _, s := range m.sealed {
		readers = append(readers, s.OnTime())
	}
	return readers
}

// Facts are those, with what the sealed indexes say besides.
func (m *Month) Facts(rules *events.MonthRules) *usage.Facts {
	f := &usage.Facts{Rules: rules, OnTime: m.OnTime()}
	for _, s := range m.sealed {
		f.Unattributed = f.Unattributed.Plus(counter.Stretch(s.Index.Unattributed))
		f.Remarks = append(f.Remarks, s.Index.Remarked()...)
	}
	return f
}

// Late are those that came after, where they are settled.
func (m *Month) Late() (readers []counter.RowReader) {
	if m.next == nil {
		return nil
	}
	for _, s := range m.next.sealed {
		readers = append(readers, s.Late())
	}
	return readers
}
