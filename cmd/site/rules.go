package site

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
)

// CheckRules holds the configuration against the rules of the topic and of its open months. A difference is refused by name:
// an open month is counted by the rules it began with.
func CheckRules(ctx context.Context, c *config.Config, state *checkpoint.Topic, template *events.Template, keys *identity.Keyring) error {
	return eachUnfinished(ctx, c, state, template, func(m events.Month, fixed *events.MonthRules, open bool) error {
		if err := checkKey(c, m, fixed, keys); err != nil || !open {
			return err
		}
		want, err := template.Month(m)
		if err != nil {
			return &config.Error{Where: c.File, What: err.Error()}
		}
		want.KeyID, want.DayStarts = fixed.KeyID, fixed.DayStarts // a new key, and a newer tz database, begin with a new month
		if diff := fixed.Diff(want); len(diff) > 0 {
			return &config.Error{Where: c.File, What: fmt.Sprintf("rules differ from those of open month %s: %s; put them back, or count the month again under the new ones: `ingest recount --month %s`", m, strings.Join(diff, "; "), m)}
		}
		return nil
	})
}

// CheckKeys checks that the GUID keys of all unfinished months are there.
func CheckKeys(ctx context.Context, c *config.Config, state *checkpoint.Topic, template *events.Template, keys *identity.Keyring) error {
	return eachUnfinished(ctx, c, state, template, func(m events.Month, fixed *events.MonthRules, _ bool) error { return checkKey(c, m, fixed, keys) })
}

func checkKey(c *config.Config, m events.Month, fixed *events.MonthRules, keys *identity.Keyring) error {
	if keys.Find(fixed.KeyID) != nil {
		return nil
	}
	return cli.Fail(cli.Usage, "%s: month %s, which is not finished, is counted with GUID key %s, which is not in it (its newest is %s): put that key back; with another one every device would count again",
		c.GUIDKeyFile, m, fixed.KeyID, keys.Newest().ID())
}

// eachUnfinished calls check with the rules of each month that no partition has sealed, which is open, and of the newest that is
// sealed, whose late events are still counted.
func eachUnfinished(ctx context.Context, c *config.Config, state *checkpoint.Topic, template *events.Template, check func(m events.Month, fixed *events.MonthRules, open bool) error) error {
	rules, err := state.Rules(ctx, template)
	var differ *checkpoint.RulesDifferError
	if errors.As(err, &differ) {
		return &config.Error{Where: c.File, What: err.Error()}
	}
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	months, err := rules.Months(ctx)
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	sealed, err := state.NewestSealed(ctx)
	if err != nil {
		return err
	}
	for _, m := range months {
		if m < sealed {
			continue
		}
		fixed, err := rules.Known(m)
		if err != nil {
			return fmt.Errorf("rules: %w", err)
		}
		if err := check(m, fixed, m > sealed); err != nil {
			return err
		}
	}
	return nil
}

// CheckSiblings refuses to count a topic that was deleted and made again while an older one of its name has a month that was
// never sealed: its events are gone from the log. Where that is accepted, it returns what was lost; empty: nothing. Partitions
// that have a checkpoint began when it was accepted, or before.
func CheckSiblings(ctx context.Context, state *checkpoint.Topic, topic *stream.Topic, acceptGap bool) (lost string, err error) {
	siblings, err := state.Siblings(ctx)
	if err != nil {
		return "", fmt.Errorf("list state: %w", err)
	}
	siblings = slices.DeleteFunc(siblings, func(s checkpoint.Sibling) bool { return len(s.Unsealed) == 0 })
	if len(siblings) == 0 {
		return "", nil
	}
	begun := true
	for _, p := range topic.Partitions {
		_, _, err := state.Partition(counter.Identity{Cluster: topic.Cluster, TopicID: topic.ID, Partition: p.ID}).Glance(ctx)
		if err != nil && !errors.Is(err, checkpoint.ErrNone) {
			return "", err
		}
		begun = begun && err == nil
	}
	if begun {
		return "", nil
	}
	for _, s := range siblings {
		if !acceptGap {
			return "", cli.Fail(cli.CheckFailed, "topic %s was deleted and made again: its former self %s has months that were never closed (%s), whose events are gone from the log; restore the topic, or go on without them: `ingest run --accept-gap`",
				topic.Name, s.TopicID, monthList(s.Unsealed))
		}
		lost = fmt.Sprintf("topic %s was made again; its former self %s had %s unsealed", topic.Name, s.TopicID, monthList(s.Unsealed))
	}
	return lost, nil
}

func monthList(months []events.Month) string {
	names := make([]string, len(months))
	for i, m := range months {
		names[i] = m.String()
	}
	return strings.Join(names, ", ")
}
