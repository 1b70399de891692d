package verify

import (
	"context"
	"errors"
	"fmt"

	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

// closedMonth is what is read of a closed month before anything of it is counted. Nothing of it changes.
type closedMonth struct {
	name    string // 2026-10
	subject *recount.Subject
	ledger  *chain.Ledger
	months  []chain.MonthState // all that have a closing, oldest first
	stored  chain.Result
	limits  limits
	prices  *prices
	amended *amendedMonth   // nil: there is no amendment to price
	earlier []chain.Closing // of the topic, oldest first, up to the month's own
	former  *formerPrices   // nil: what came late of the month before is not priced here

	quantitiesBefore map[string]map[string]uint64 // of the month before, by app and meter

	amendments int // that the month has
}

// open reads ledger, keys, rules and prices.
func open(ctx context.Context, c Config, r *report.Report) (*closedMonth, error) {
	if _, ok := recount.ParseMonth(c.Month); !ok {
		return nil, fmt.Errorf("month %q: want the form 2026-10", c.Month)
	}
	m := &closedMonth{name: c.Month, ledger: c.Ledger}
	closing, former, err := m.readClosings(ctx)
	if err != nil {
		return nil, err
	}
	fixed, err := m.rulesFixed(ctx, closing.TopicID)
	if err != nil {
		return nil, err
	}
	c.Keyless = c.Archive != nil
	if m.subject, err = recount.Open(ctx, c.Config, closing, former, fixed, r); err != nil {
		return nil, err
	}
	m.findEarlier()
	m.limits = m.readLimits(r)
	m.prices = m.readPrices(r)
	if m.amended, err = m.openAmended(ctx, r); err != nil {
		return nil, err
	}
	if m.former, err = m.openFormer(ctx, r); err != nil {
		return nil, err
	}
	if m.quantitiesBefore, err = m.billedQuantities(ctx); err != nil {
		return nil, err
	}
	if c.Accounts != nil && string(c.Accounts) != string(m.subject.Closing.Accounts) {
		r.Remark("the accounts file is not what it was at the close; the month is priced by what the closing holds")
	}
	return m, nil
}

// readClosings reads the month's result and closing, and the closing before, where there is one.
func (m *closedMonth) readClosings(ctx context.Context) (closing chain.Closing, former *chain.Closing, err error) {
	if m.stored, err = m.ledger.Result(ctx, m.name); err == nil {
		closing, err = m.ledger.Closing(ctx, m.name)
	}
	if errors.Is(err, chain.ErrNotFound) {
		return closing, nil, fmt.Errorf("month %s %w", m.name, ErrNotClosed)
	}
	if err != nil {
		return closing, nil, inLedger(err)
	}
	if closing.Previous == nil {
		return closing, nil, nil
	}
	before, err := m.ledger.Closing(ctx, closing.Previous.Month)
	if err != nil {
		return closing, nil, inLedger(err)
	}
	return closing, &before, nil
}

// rulesFixed returns the hash of the rules that each closed month of a topic was closed under.
func (m *closedMonth) rulesFixed(ctx context.Context, topicID string) (fixed map[string]string, err error) {
	if m.months, err = m.ledger.Months(ctx); err != nil {
		return nil, inLedger(err)
	}
	fixed = map[string]string{}
	for _, x := range m.months {
		closing, err := m.ledger.Closing(ctx, x.Month)
		if err != nil {
			return nil, inLedger(err)
		}
		if closing.TopicID == topicID {
			fixed[x.Month] = closing.RulesHash
			if closing.Accounts, closing.Books = nil, nil; x.Month < m.name {
				m.earlier = append(m.earlier, closing)
			}
		}
	}
	return fixed, nil
}
