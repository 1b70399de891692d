package main

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/rating/ledger"
	"headcount/rollup/closing"
)

// newCloser makes the closer of what the configuration names.
func newCloser(p *cli.Program, c *config.Config, keys *identity.Keyring, sealKey ed25519.PrivateKey, timeout time.Duration, openBooks bool) (*closing.Closer, error) {
	limits, err := site.Limits(c)
	if err != nil {
		return nil, err
	}
	issuer, err := site.Issuer(c)
	if err != nil {
		return nil, err
	}
	return &closing.Closer{
		Site: &configured{config: c, keys: keys, log: p.Log}, Keys: keys, SealKey: sealKey,
		Terms: closing.Terms{Zone: c.Billing.TimeZone, Grace: time.Duration(c.Billing.Grace), Limits: limits, From: events.Month(c.Billing.From), AutoClose: bool(c.Billing.AutoClose), Issuer: issuer},
		Names: closing.Names{State: c.State.String(), Ledger: c.Ledger.String(), Template: c.File, Keys: c.GUIDKeyFile},
		Group: c.Kafka.Group, Interval: time.Duration(c.Ingest.CheckpointInterval), Timeout: timeout, OpenBooks: openBooks, Version: cli.ProgramVersion(),
		Log: p.Log, Progress: p.Showing("sealed", "partitions"),
	}, nil
}

// configured is the closing.Site that the configuration names.
type configured struct {
	config *config.Config
	keys   *identity.Keyring
	log    *slog.Logger

	accounts site.AccountsReader
}

func (s *configured) OpenLedger(ctx context.Context) (closing.Ledger, error) {
	return notNil(site.Ledger(ctx, s.config, s.log, ledger.Open))
}

func (s *configured) CreateLedger(ctx context.Context) (closing.Ledger, error) {
	return notNil(site.Ledger(ctx, s.config, s.log, ledger.Create))
}

// notNil keeps a ledger that is not there from being one that is nil.
func notNil(l *ledger.Ledger, err error) (closing.Ledger, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (s *configured) Prices() ([]byte, map[string][]byte, error) {
	catalog, err := site.Catalog(s.config)
	if err != nil {
		return nil, nil, err
	}
	_, document, err := s.accounts.Configured(s.config, catalog)
	if err != nil {
		return nil, nil, err
	}
	accounts, err := document()
	if err != nil {
		return nil, nil, err
	}
	return accounts, catalog.Documents(), nil
}

func (s *configured) Connect(ctx context.Context) (_ *closing.Connection, err error) {
	c := &closing.Connection{}
	if c.Template, err = site.Template(s.config, s.keys); err != nil {
		return nil, err
	}
	if c.Bucket, err = site.State(ctx, s.config); err != nil {
		return nil, err
	}
	conn, err := site.Connect(ctx, s.config, s.log)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	if c.Topic, err = conn.Topic(ctx, s.config); err != nil {
		return nil, err
	}
	c.Log, c.OwnBroker, c.Close = closing.LogOf(conn.Log), conn.OwnBroker, conn.Close
	c.State = checkpoint.OpenTopic(c.Bucket, c.Topic.Name, c.Topic.ID)
	if err = site.RestoreRules(ctx, s.config, c.State, conn, c.Topic, site.Policy(s.config, c.Template, s.keys), s.log); err != nil {
		return nil, err
	}
	return c, nil
}
