package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
)

// Policy is by which rules and keys a process would count, and what messages call the files that say so.
type Policy struct {
	Template     *events.Template
	Keys         *identity.Keyring
	TemplateFile string
	KeyFile      string
}

// TemplateError says that the template makes no rules for a month.
type TemplateError struct {
	File string
	Err  error
}

func (e *TemplateError) Error() string { return e.File + ": " + e.Err.Error() }
func (e *TemplateError) Unwrap() error { return e.Err }

// MonthDiffersError says that the template would count an open month otherwise than it is counted.
type MonthDiffersError struct {
	File   string
	Month  events.Month
	Fields []string // of its rules, each with both values
}

func (e *MonthDiffersError) Error() string {
	return fmt.Sprintf("%s: rules differ from those of open month %s: %s; put them back, or count the month again under the new ones", e.File, e.Month, strings.Join(e.Fields, "; "))
}

// KeyMissingError says that a month is counted with a GUID key that is not there.
type KeyMissingError struct {
	File   string
	Month  events.Month
	KeyID  string
	Newest string // id of the newest key that is there
}

func (e *KeyMissingError) Error() string {
	return fmt.Sprintf("%s: month %s, which is not finished, is counted with GUID key %s, which is not in it (its newest is %s): put that key back; with another one every device would count again",
		e.File, e.Month, e.KeyID, e.Newest)
}

// SiblingError says that a topic was made again, and what its former self had that was never closed.
type SiblingError struct {
	Topic    string
	Former   string // topic id
	Unsealed []events.Month
}

func (e *SiblingError) Error() string {
	return fmt.Sprintf("topic %s was deleted and made again: its former self %s has months that were never closed (%s), whose events are gone from the log; restore the topic, or go on without them",
		e.Topic, e.Former, monthList(e.Unsealed))
}

// CheckRules holds a policy against the rules of the topic and of its open months. A difference is refused by name: an open month
// is counted by the rules it began with. Besides what the state store fails with it returns a *MonthDiffersError, a
// *checkpoint.RulesDifferError of the topic, a *KeyMissingError or a *TemplateError.
func CheckRules(ctx context.Context, state *checkpoint.Topic, policy Policy) error {
	return eachUnfinished(ctx, state, policy, func(m events.Month, fixed *events.MonthRules, open bool) error {
		if err := policy.checkKey(m, fixed); err != nil || !open {
			return err
		}
		want, err := policy.Template.Month(m)
		if err != nil {
			return &TemplateError{policy.TemplateFile, err}
		}
		want.KeyID, want.DayStarts = fixed.KeyID, fixed.DayStarts // a new key, and a newer tz database, begin with a new month
		want.TopicHash = fixed.TopicHash                          // the topic's were compared by themselves
		if diff := fixed.Diff(want); len(diff) > 0 {
			return &MonthDiffersError{policy.TemplateFile, m, diff}
		}
		return nil
	})
}

// CheckKeys checks that the GUID keys of all unfinished months are there. Besides what the state store fails with it returns a
// *KeyMissingError, or a *checkpoint.RulesDifferError of the topic.
func CheckKeys(ctx context.Context, state *checkpoint.Topic, policy Policy) error {
	return eachUnfinished(ctx, state, policy, func(m events.Month, fixed *events.MonthRules, _ bool) error { return policy.checkKey(m, fixed) })
}

func (p *Policy) checkKey(m events.Month, fixed *events.MonthRules) error {
	if p.Keys.Find(fixed.KeyID) != nil {
		return nil
	}
	return &KeyMissingError{p.KeyFile, m, fixed.KeyID, p.Keys.Newest().ID()}
}

// eachUnfinished calls check with the rules of each month that no partition has sealed, which is open, and of the newest that is
// sealed, whose late events are still counted.
func eachUnfinished(ctx context.Context, state *checkpoint.Topic, policy Policy, check func(m events.Month, fixed *events.MonthRules, open bool) error) error {
	rules, err := state.Rules(ctx, policy.Template)
	if _, differ := errors.AsType[*checkpoint.RulesDifferError](err); differ {
		return fmt.Errorf("%s: %w", policy.TemplateFile, err)
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
// never sealed, with a *SiblingError: its events are gone from the log. Where that is accepted, it returns what was lost; empty:
// nothing. Partitions that have a checkpoint began when it was accepted, or before.
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
	var accepted []string
	for _, s := range siblings {
		if !acceptGap {
			return "", &SiblingError{topic.Name, s.TopicID, s.Unsealed}
		}
		accepted = append(accepted, fmt.Sprintf("topic %s was made again; its former self %s had %s unsealed", topic.Name, s.TopicID, monthList(s.Unsealed)))
	}
	return strings.Join(accepted, "; "), nil
}

func monthList(months []events.Month) string {
	names := make([]string, len(months))
	for i, m := range months {
		names[i] = m.String()
	}
	return strings.Join(names, ", ")
}
