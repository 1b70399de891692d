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
	"headcount/events"
)

// Step is one thing that was looked at.
type Step struct {
	What    string `json:"what"`
	Name    string `json:"name"`
	Created bool   `json:"created"`
}

// Config writes the configuration file where it is missing.
func Config(file string) (Step, error) {
	created, err := create(file, 0o644, []byte(configText))
	return Step{"config", file, created}, err
}

// Files makes what lies on disk: accounts file, GUID key, seal keys. The configuration must exist. With newSealKey, lost seal
// keys are replaced also where counting has begun: open months must then be counted again.
func Files(ctx context.Context, c *config.Config, newSealKey bool) ([]Step, error) {
	var steps []Step
	created, err := create(c.Accounts, 0o644, []byte(accountsText))
	if err != nil {
		return steps, err
	}
	steps = append(steps, Step{"accounts", c.Accounts, created})
	keys, err := keyFiles(ctx, c, newSealKey)
	return append(steps, keys...), err
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
		if _, err := create(c.GUIDKeyFile, 0o600, []byte(events.GenerateGUIDKey()+"\n")); err != nil {
			return nil, err
		}
	}
	if !havePriv && !havePub {
		priv, pub, err := events.GenerateSealKey()
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
		priv, err := events.LoadSealKey(c.SealKeyFile)
		if err != nil {
			return nil, cli.Fail(cli.Usage, "%w", err)
		}
		pub, err := events.MarshalSealPublicKey(priv)
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
	if path, ok := strings.CutPrefix(c.Ledger, "sqlite://"); ok && exists(path) {
		return "the ledger " + path, nil
	}
	return "", nil
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
		{"dead-letter topic", site.DeadLetterTopic(c.Kafka.Topic), 1},
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
// reports whether it did.
func create(path string, mode fs.FileMode, data []byte) (bool, error) {
	if exists(path) {
		return false, nil
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, fmt.Errorf("create folder for %s: %w", path, err)
	}
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return false, fmt.Errorf("create %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err != nil {
		return false, fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return false, nil
		}
		return false, fmt.Errorf("create %s: %w", path, err)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return false, fmt.Errorf("open folder %s: %w", dir, err)
	}
	return true, errors.Join(folder.Sync(), folder.Close())
}
