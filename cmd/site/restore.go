package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rating/ledger"
)

// RestoreRules puts back the rules of closed months where a topic's state has none at all, because it was lost: the seals in the
// log name their hash, and made anew under today's newest GUID key the months would be counted by other rules than those. The
// ledger knows the hashes. What today's configuration does not give again under any of the keys is refused by name.
func RestoreRules(ctx context.Context, c *config.Config, state *checkpoint.Topic, topic *stream.Topic, template *events.Template, keys *events.Keyring, logger *slog.Logger) error {
	if _, err := state.Rules(ctx, nil); !errors.Is(err, checkpoint.ErrNoRules) {
		return nil // there are some; or they cannot be read, which shows when they are needed
	}
	l, err := ledger.OpenExisting(ctx, c.Ledger)
	if errors.Is(err, ledger.ErrMissing) {
		return nil
	}
	if err != nil {
		logger.Warn("the ledger cannot be read: if this state was lost, the rules of closed months are not put back", "error", err)
		return nil
	}
	defer l.Close()
	month, ok, err := l.LastClosed(ctx)
	for ok && err == nil {
		var closing ledger.Closing
		if closing, err = l.Closing(ctx, month); err != nil || closing.TopicID != topic.ID || closing.Cluster != topic.Cluster {
			break
		}
		if err := restoreMonth(ctx, c, state, closing, template, keys); err != nil {
			return err
		}
		logger.Warn("the state store has lost the rules of a closed month; put back", "month", month, "rules", closing.RulesHash)
		if ok = closing.Previous != nil; ok {
			month = closing.Previous.Month
		}
	}
	if err != nil {
		return cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	return nil
}

// restoreMonth makes a closed month's rules under the key that gives the hash of its closing.
func restoreMonth(ctx context.Context, c *config.Config, state *checkpoint.Topic, closing ledger.Closing, template *events.Template, keys *events.Keyring) error {
	m := closing.Month
	for _, id := range keys.IDs() {
		then := *template
		then.KeyID = id
		rules, err := then.Month(m)
		if err != nil {
			return &config.Error{Where: c.File, What: err.Error()}
		}
		if rules.Hash() != closing.RulesHash {
			continue
		}
		book, err := state.Rules(ctx, &then)
		if err == nil {
			_, err = book.MonthRules(m)
		}
		if err != nil {
			return fmt.Errorf("rules: %w", err)
		}
		return nil
	}
	return cli.Fail(cli.CheckFailed, "the state store %s has no rules for this topic, but the ledger has %s closed under rules %s, which the present configuration gives under none of the GUID keys: restore the topic's rules folder, at least, from the state store's backup",
		c.State, m, closing.RulesHash)
}
