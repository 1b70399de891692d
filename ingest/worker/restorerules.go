package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"headcount/counter/checkpoint"
	"headcount/events"
)

// ClosedRules are the rules by which a month of a topic was closed.
type ClosedRules struct {
	Month events.Month
	Hash  string
}

// RulesLostError says that a topic's state has lost the rules of a closed month, and that the template does not give them again.
type RulesLostError struct {
	State string // what messages call the state store
	ClosedRules
}

func (e *RulesLostError) Error() string {
	return fmt.Sprintf("the state store %s has no rules for this topic, but the ledger has %s closed under rules %s, which the present configuration gives under none of the GUID keys: restore the topic's rules folder, at least, from the state store's backup",
		e.State, e.Month, e.Hash)
}

// RestoreRules puts back the rules of closed months where a topic's state has none at all, because it was lost: the seals in the
// log name their hash, and made anew under today's newest GUID key the months would be counted by other rules than those. closed
// tells what the topic's months were closed by, the newest first; it is asked only where rules are missing. stateName is what
// messages call the state store.
//
// What today's template does not give again under any of the keys is refused with a *RulesLostError; a *TemplateError says that it
// gives nothing for a month. Other errors are the state store's, or what closed returned.
func RestoreRules(ctx context.Context, state *checkpoint.Topic, stateName string, closed func(context.Context) ([]ClosedRules, error), policy Policy, logger *slog.Logger) error {
	if _, err := state.Rules(ctx, nil); !errors.Is(err, checkpoint.ErrNoRules) {
		return nil // there are some; or they cannot be read, which shows when they are needed
	}
	months, err := closed(ctx)
	if err != nil {
		return err
	}
	for _, c := range months {
		found, err := restoreMonth(ctx, state, c, policy)
		if err != nil {
			return err
		}
		if !found {
			return &RulesLostError{stateName, c}
		}
		logger.Warn("the state store has lost the rules of a closed month; put back", "month", c.Month, "rules", c.Hash)
	}
	return nil
}

// restoreMonth makes a closed month's rules under the key, and the release of the tz database, that give their hash, and says whether
// any does.
func restoreMonth(ctx context.Context, state *checkpoint.Topic, c ClosedRules, policy Policy) (found bool, err error) {
	then := *policy.Template
	for _, then.KeyID = range policy.Keys.IDs() {
		for _, then.Zoneinfo = range events.EarlierZoneinfo() {
			rules, err := then.Month(c.Month)
			if err != nil {
				return false, &TemplateError{policy.TemplateFile, err}
			}
			if rules.Hash() != c.Hash {
				continue
			}
			book, err := state.Rules(ctx, &then)
			if err == nil {
				_, err = book.MonthRules(c.Month)
			}
			if err != nil {
				return false, fmt.Errorf("rules: %w", err)
			}
			return true, nil
		}
	}
	return false, nil
}
