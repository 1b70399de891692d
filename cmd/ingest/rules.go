package main

import (
	"context"
	"errors"
	"sync"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
)

// rulesInForce are the rules that are fixed, where this machine can read the state store, and else those that the configuration says. They are
// safe for concurrent use.
func rulesInForce(ctx context.Context, p *cli.Program, c *config.Config, conn *site.Connection, template *events.Template) (events.Rulebook, error) {
	configured := &sharedRules{book: template.Rulebook()}
	topic, err := conn.Topic(ctx, c)
	if err != nil {
		return nil, err
	}
	bucket, err := site.State(ctx, c)
	if err != nil {
		p.Log.Warn("the state store cannot be read: records are looked at by the configuration alone", "error", err)
		return configured, nil
	}
	fixed, err := checkpoint.OpenTopic(bucket, topic.Name, topic.ID).Rules(ctx, nil)
	if errors.Is(err, checkpoint.ErrNoRules) {
		return configured, nil
	}
	if err != nil {
		p.Log.Warn("the rules in the state store cannot be read: records are looked at by the configuration alone", "error", err)
		return configured, nil
	}
	return &fixedOrConfigured{fixed, configured}, nil
}

// fixedOrConfigured are a topic's rules: the fixed ones, and of months that have none those that would be. It fixes none.
type fixedOrConfigured struct {
	*checkpoint.Rules
	configured events.Rulebook
}

// MonthRules implements events.Rulebook.
func (r *fixedOrConfigured) MonthRules(m events.Month) (*events.MonthRules, error) {
	rules, err := r.Known(m)
	if errors.Is(err, checkpoint.ErrNoRules) {
		return r.configured.MonthRules(m)
	}
	return rules, err
}

// Foreseen implements events.Rulebook.
func (r *fixedOrConfigured) Foreseen(m events.Month) (*events.MonthRules, error) {
	return r.MonthRules(m)
}

// sharedRules are a rulebook that many may use at a time.
type sharedRules struct {
	mu   sync.Mutex
	book events.Rulebook
}

// TopicRules implements events.Rulebook.
func (r *sharedRules) TopicRules() *events.TopicRules { return r.book.TopicRules() }

// MonthRules implements events.Rulebook.
func (r *sharedRules) MonthRules(m events.Month) (*events.MonthRules, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.book.MonthRules(m)
}

// Foreseen implements events.Rulebook.
func (r *sharedRules) Foreseen(m events.Month) (*events.MonthRules, error) { return r.MonthRules(m) }
