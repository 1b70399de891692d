// Package setup makes what a first run needs: configuration, accounts, keys, topics. It creates only what is missing and
// overwrites nothing; keys are generated only where state and ledger are empty, because a new key would count every device
// again.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events/identity"
	"headcount/events/signed"
	"headcount/events/stream"
	"headcount/internal/durable"
	"headcount/rating/ledger"
)

// Step is one thing that was looked at.
type Step struct {
	What    string `json:"what"`
	Name    string `json:"name"`
	Created bool   `json:"created"`
}

// Config writes the configuration file where it is missing.
func Config(file string) (Step, error) {
	if abs, err := filepath.Abs(file); file != "" && err == nil {
		file = abs
	}
	created, err := create(file, 0o644, []byte(configText))
	return Step{"config", file, created}, err
}

// Files makes what lies on disk: accounts file, GUID key, seal keys. The configuration must exist. With newSealKey, lost seal
// keys are replaced also where counting has begun: open months must then be counted again.
func Files(ctx context.Context, c *config.Config, newSealKey bool) ([]Step, error) {
	steps, err := keyFiles(ctx, c, newSealKey) // first: it may refuse, and then nothing is to be written
	if err != nil {
		return steps, err
	}
	created, err := create(c.Accounts, 0o644, []byte(accountsText))
	if err != nil {
		return steps, err
	}
	return append(steps, Step{"accounts", c.Accounts, created}), nil
}

func keyFiles(ctx context.Context, c *config.Config, newSealKey bool) ([]Step, error) {
	haveGUID, havePriv, havePub := exists(c.GUIDKeyFile), exists(c.SealKeyFile), exists(c.SealPublicKeyFile)
	if !haveGUID || (!havePriv && !havePub && !newSealKey) {
		used, err := inUse(ctx, c)
		if err != nil {
			return nil, err
		}
		if used != "" {
			if haveGUID {
				return nil, cli.Fail(cli.Usage, "seal key files %s and %s are missing, but %s is not empty: restore them from their backup; if they are lost, `ingest init --new-seal-key` makes new ones, and the open months must be counted again (`ingest recount`)", c.SealKeyFile, c.SealPublicKeyFile, used)
			}
			return nil, cli.Fail(cli.Usage, "GUID key file %s is missing, but %s is not empty: restore the key from its backup; a new one would count every device again", c.GUIDKeyFile, used)
		}
	}
	if !haveGUID {
		if _, err := create(c.GUIDKeyFile, 0o600, []byte(identity.GenerateGUIDKey()+"\n")); err != nil {
			return nil, err
		}
	}
	if !havePriv && !havePub {
		priv, pub, err := signed.GenerateSealKey()
		if err != nil {
			return nil, err
		}
		if _, err := create(c.SealKeyFile, 0o600, priv); err != nil {
			return nil, err
		}
		if _, err := create(c.SealPublicKeyFile, 0o644, pub); err != nil {
			return nil, err
		}
	} else if havePriv && !havePub {
		priv, err := signed.LoadSealKey(c.SealKeyFile)
		if err != nil {
			return nil, cli.Fail(cli.Usage, "%w", err)
		}
		pub, err := signed.MarshalSealPublicKey(priv)
		if err != nil {
			return nil, err
		}
		if _, err := create(c.SealPublicKeyFile, 0o644, pub); err != nil {
			return nil, err
		}
	}
	steps := []Step{{"GUID key", c.GUIDKeyFile, !haveGUID}, {"seal public key", c.SealPublicKeyFile, !havePub}}
	if havePriv || !havePub {
		steps = append(steps, Step{"seal key", c.SealKeyFile, !havePriv && !havePub})
	}
	return steps, nil
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
		return "the state store " + c.State, nil
	}
	if path, ok := strings.CutPrefix(c.Ledger, "sqlite://"); ok {
		path, _, _ = strings.Cut(path, "?")
		if exists(path) {
			return "the ledger " + path, nil
		}
		return "", nil
	}
	l, err := ledger.OpenReadOnly(ctx, c.Ledger)
	if errors.Is(err, ledger.ErrMissing) {
		return "", nil
	}
	if err != nil {
		return "", cli.Fail(cli.Unreachable, "ledger: %w; a key is only made where it is seen to be empty", err)
	}
	return "the ledger", l.Close()
}

// Topics creates the topic and the dead-letter topic, with a retention without end.
func Topics(ctx context.Context, c *config.Config, conn *site.Connection, partitions int) ([]Step, error) {
	var steps []Step
	keep := map[string]string{"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
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

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// create writes a file that must not exist yet, durably and never half: it appears under its name only when it is whole. It
// reports whether it did. Where this user must not write there, the error says so with exit code 2.
func create(path string, mode fs.FileMode, data []byte) (bool, error) {
	created, err := createFile(path, mode, data)
	if errors.Is(err, fs.ErrPermission) {
		return false, cli.Fail(cli.Usage, "%s cannot be created: this user must not write in %s; give it the right to, or name another place in the config", path, filepath.Dir(path))
	}
	return created, err
}

func createFile(path string, mode fs.FileMode, data []byte) (bool, error) {
	if _, err := os.Lstat(path); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("create: %w", err)
	}
	err := durable.CreateFile(path, data, mode)
	if errors.Is(err, durable.ErrExists) {
		return false, nil
	}
	return err == nil, err
}
