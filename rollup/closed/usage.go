package closed

import (
	"context"
	"fmt"

	"headcount/counter"
	"headcount/events"
	"headcount/rating"
	"headcount/rollup/usage"
)

// Usage returns the month's usage with the meters that a biller asks for: of what came on time, and with what came late too,
// where that is settled. It returns a *NotAsBilledError where the former is not what the close found.
func (m *Month) Usage(ctx context.Context, bill usage.Biller) (onTime, all *usage.Document, err error) {
	if onTime, err = m.Unite(ctx, m.OnTime(), bill); err != nil {
		return nil, nil, fmt.Errorf("unite %s again: %w", m.Month, err)
	}
	rest := map[string]string{}
	for _, u := range onTime.Usage {
		was, listed := m.Digests[u.App]
		if !listed {
			rest[u.App] = u.Digest
		} else if was != u.Digest {
			return nil, nil, &NotAsBilledError{m.Month, u.App, u.Digest, was}
		}
	}
	// Apps with nothing but late devices of the month before are none of these facts: then the others cannot be told from here.
	if was, ok := m.Digests[""]; ok && len(rest) == m.others && usage.DigestOf(rest) != was {
		return nil, nil, &NotAsBilledError{m.Month, fmt.Sprintf("(%d others)", len(rest)), usage.DigestOf(rest), was}
	}
	if m.next == nil {
		return onTime, onTime, nil
	}
	if all, err = m.Unite(ctx, append(m.OnTime(), m.Late()...), bill); err != nil {
		return nil, nil, fmt.Errorf("unite %s again: %w", m.Month, err)
	}
	return onTime, all, nil
}

// Unite makes usage of facts as if all had come on time, and of quantities as they were corrected, without alarms.
func (m *Month) Unite(ctx context.Context, readers []counter.RowReader, bill usage.Biller) (*usage.Document, error) {
	doc, _, err := m.UniteAlarmed(ctx, readers, bill, nil)
	return doc, err
}

// UniteAlarmed is Unite with the alarms of quantities; former as usage.Facts has it. The others were of what came on time.
func (m *Month) UniteAlarmed(ctx context.Context, readers []counter.RowReader, bill usage.Biller, former usage.Former) (*usage.Document, usage.Alarms, error) {
	rules, err := m.Rules(ctx)
	if err != nil {
		return nil, nil, err
	}
	limits, err := m.Limits()
	if err != nil {
		return nil, nil, err
	}
	doc := &usage.Document{Month: m.Month, TimeZone: m.Closing.Zone, Topic: m.Closing.Topic, Usage: []usage.App{}}
	facts := m.Facts(rules)
	facts.OnTime, facts.Judged, facts.Corrected, facts.Former = readers, true, m.Corrected, former
	alarms, err := usage.Gather(doc, facts, nil, bill, limits)
	return doc, alarms, err
}

// Input is what rating needs to price the month: its usage on time, beside it that with what came late, which is also returned as a
// document. Balances are left out.
func (m *Month) Input(ctx context.Context, by *Prices) (in rating.Input, all rating.Usage, doc *usage.Document, err error) {
	zone, err := events.LoadZone(m.Closing.Zone)
	if err != nil {
		return in, all, nil, err
	}
	onTime, doc, err := m.Usage(ctx, by.Biller(m))
	if err != nil {
		return in, all, nil, err
	}
	in = rating.Input{Month: m.Month, Zone: zone, Accounts: by.Accounts, Catalog: by.Catalog}
	if in.Usage, err = onTime.Rating(); err == nil {
		all, err = doc.Rating()
	}
	return in, all, doc, err
}
