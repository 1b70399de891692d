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

// RestoreRules puts back the rules of closed months that the state has lost, as the ledger knows them.
func RestoreRules(ctx context.Context, c *config.Config, state *checkpoint.Topic, topic *stream.Topic, policy worker.Policy, logger *slog.Logger) error {
	months := func(ctx context.Context) ([]worker.ClosedRules, error) {
		l, err := Ledger(ctx, c, logger, ledger.OpenReadOnly)
		if errors.Is(err, ledger.ErrMissing) {
			return nil, nil
		}
		if err != nil {
			logger.Warn("the ledger cannot be read: if this state was lost, the rules of closed months are not put back", "error", err)
			return nil, nil
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
