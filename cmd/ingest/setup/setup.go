// Package setup makes what a first run needs: configuration, accounts, keys, topics. It creates only what is missing and
// overwrites nothing; keys are generated only where state and ledger are empty, because a new key would count every device
// again.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/keys"
	"headcount/rating/ledger"
)

// Step is one thing that was looked at.
type Step struct {
	What    string `json:"what"`
	Name    string `json:"name"`
	Created bool   `json:"created"`
}

// Config writes the configuration file where it is missing, with the month in which the books open.
func Config(file string, from events.Month) (Step, error) {
	if abs, err := filepath.Abs(file); file != "" && err == nil {
		file = abs
	}
	created, err := create(file, 0o600, config.Written(from)) // a password may come to stand in it
	return Step{"config", file, created}, err
}

// Files makes what lies on disk: accounts file, GUID key, seal keys, those of reporters. The configuration must exist. With newSealKey, lost seal
// keys are replaced also where counting has begun: open months must then be counted again.
func Files(ctx context.Context, c *config.Config, newSealKey bool) ([]Step, error) {
	steps, err := keyFiles(ctx, c, newSealKey) // first: it may refuse, and then nothing is to be written
	if err != nil {
		return steps, err
	}
	created, err := create(c.Accounts, 0o600, []byte(accountsText))
	if err != nil {
		return steps, err
	}
	return append(steps, Step{"accounts", c.Accounts, created}), nil
}

func keyFiles(ctx context.Context, c *config.Config, newSealKey bool) (steps []Step, err error) {
	files := keys.Files{GUID: c.GUIDKeyFile, Seal: c.SealKeyFile, SealPublic: c.SealPublicKeyFile}
	made, err := files.Make(ctx, newSealKey, func(ctx context.Context) (string, error) { return inUse(ctx, c) })
	for _, m := range made {
		steps = append(steps, Step{m.What, m.Path, m.Created})
	}
	for i := range c.Reporters {
		if err != nil {
			break
		}
		r := &c.Reporters[i]
		made, err = keys.MakeReporter(r.ID, r.PrivateKeyFile(), r.KeyFile)
		for _, m := range made {
			steps = append(steps, Step{m.What, m.Path, m.Created})
		}
	}
	return steps, site.FailureOf(err)
}

// inUse names what already holds counts: the state store or the ledger; empty: neither.
func inUse(ctx context.Context, c *config.Config) (string, error) {
	bucket, err := site.State(ctx, c)
	if err != nil {
		return "", err
	}
	names, err := bucket.List(ctx, "")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("list state %s: %w", c.State, err)
	}
	if len(names) > 0 {
		return "the state store " + c.State.String(), nil
	}
	if path, ok := strings.CutPrefix(c.Ledger.Reveal(), "sqlite://"); ok {
		path, _, _ = strings.Cut(path, "?")
		if keys.Exists(path) {
			return "the ledger " + path, nil
		}
		return "", nil
	}
	l, err := site.Ledger(ctx, c, slog.New(slog.DiscardHandler), ledger.OpenReadOnly) // what there is to warn of, later commands do
	if errors.Is(err, ledger.ErrMissing) {
		return "", nil
	}
	if err != nil {
		return "", site.LedgerFailure(fmt.Errorf("%w; a key is only made where it is seen to be empty", err))
	}
	return "the ledger", l.Close()
}

// Topics creates the topic and the dead-letter topic, with a retention without end, and with the brokers' timestamps where they give any.
func Topics(ctx context.Context, c *config.Config, conn *site.Connection, partitions int) ([]Step, error) {
	var steps []Step
	keep := map[string]string{"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
	if c.Kafka.BrokersTime() {
		keep["message.timestamp.type"] = "LogAppendTime"
	}
	for _, t := range []struct {
		what, name string
		partitions int32
	}{
		{"topic", c.Kafka.Topic, int32(partitions)},
		{"dead-letter topic", stream.DeadTopic(c.Kafka.Topic), 1},
	} {
		created, err := conn.CreateTopic(ctx, t.name, t.partitions, keep)
		if err != nil {
			return steps, cli.Fail(cli.Unreachable, "create topic %s: %w", t.name, err)
		}
		steps = append(steps, Step{t.what, t.name, created})
	}
	return steps, nil
}

// create makes a file where it is missing.
func create(path string, mode fs.FileMode, data []byte) (bool, error) {
	created, err := keys.Create(path, mode, data)
	return created, site.FailureOf(err)
}
