package site

import (
	"context"
	"errors"
	"log/slog"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// Policy is by what the configuration would count.
func Policy(c *config.Config, template *events.Template, keys *identity.Keyring) worker.Policy {
	return worker.Policy{Template: template, Keys: keys, TemplateFile: c.File, KeyFile: c.GUIDKeyFile}
}

// RestoreRules puts back the rules of closed months that the state has lost, as the ledger knows them. A ledger that cannot be read, or
// that this process does without, is not taken for one without closed months: where the group knows that the topic was counted before, the
// state was lost, and nothing is counted until a ledger says by which rules.
func RestoreRules(ctx context.Context, c *config.Config, state *checkpoint.Topic, conn *Connection, topic *stream.Topic, policy worker.Policy, logger *slog.Logger) error {
	months := func(ctx context.Context) ([]worker.ClosedRules, error) {
		if !c.HasLedger() {
			return nil, conn.unasked(ctx, c, topic, errors.New("this process does without a ledger (ledger: none)"), logger)
		}
		l, err := Ledger(ctx, c, logger, ledger.OpenReadOnly)
		if errors.Is(err, ledger.ErrMissing) {
			return nil, nil
		}
		if err != nil {
			return nil, conn.unasked(ctx, c, topic, err, logger)
		}
		defer l.Close()
		all, err := closed.TopicRules(ctx, l, topic)
		if err != nil {
			return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
		}
		return all, nil
	}
	return worker.RestoreRules(ctx, state, c.State.String(), months, policy, logger)
}

// unasked is what to do where a state has no rules, and the ledger cannot be asked whether months were closed, why says.
func (conn *Connection) unasked(ctx context.Context, c *config.Config, topic *stream.Topic, why error, logger *slog.Logger) error {
	for _, p := range topic.Partitions {
		offset, err := conn.Committed(ctx, p.ID)
		if err != nil {
			logger.Warn("the group's offsets cannot be read: whether this topic was counted before is not known", "error", err)
			break
		}
		if offset > 0 {
			return cli.Fail(cli.Unreachable, "the state store %s has no rules for topic %s, but group %s counted it before (partition %d up to offset %d): the state was lost, or is another. Restore its backup; or start once with a ledger that can be read, "+
				"which says by which rules months were closed (HEADCOUNT_LEDGER=postgres://headcount_reader@host/db): %w", c.State, topic.Name, c.Kafka.Group, p.ID, offset, why)
		}
	}
	logger.Warn("no ledger can be asked whether months of this topic were closed before; it is taken for a new one", "why", why)
	return nil
}
