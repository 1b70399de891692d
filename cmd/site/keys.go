package site

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io/fs"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/signed"
)

// Keys reads the GUID keys.
func Keys(c *config.Config) (*identity.Keyring, error) {
	keys, err := identity.LoadKeyring(c.GUIDKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Fail(cli.Usage, "GUID key file %s does not exist: restore it from its backup; for a new installation `ingest init` makes one", c.GUIDKeyFile)
	}
	if err != nil {
		return nil, keyFailure(err)
	}
	return keys, nil
}

// keyFailure is that of a key file which is there: one that this user may not read is a dependency, any other is wrong.
func keyFailure(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return cli.Fail(cli.Unreachable, "%w: this user may not read it", err)
	}
	return cli.Fail(cli.Usage, "%w", err)
}

// SealPublicKey reads the key that seals are checked with.
func SealPublicKey(c *config.Config) (ed25519.PublicKey, error) {
	pub, err := signed.LoadSealPublicKey(c.SealPublicKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Fail(cli.Usage, "seal public key file %s does not exist: restore it from its backup; for a new installation `ingest init` makes one", c.SealPublicKeyFile)
	}
	if err != nil {
		return nil, keyFailure(err)
	}
	return pub, nil
}

// SealKey reads the private key that only the close needs, and checks that it belongs to the public one.
func SealKey(c *config.Config) (ed25519.PrivateKey, error) {
	priv, err := signed.LoadSealKey(c.SealKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Fail(cli.Usage, "seal key file %s does not exist: closing needs it; restore it from its backup; if it is lost, `ingest init --new-seal-key` makes a new pair, and the open months must be counted again (`ingest recount`)", c.SealKeyFile)
	}
	if err != nil {
		return nil, keyFailure(err)
	}
	pub, err := SealPublicKey(c)
	if err != nil {
		return nil, err
	}
	if !pub.Equal(priv.Public()) {
		return nil, cli.Fail(cli.Usage, "seal key %s does not belong to %s: bring the pair together", c.SealKeyFile, c.SealPublicKeyFile)
	}
	return priv, nil
}

// Reporters reads who may report quantities, and the keys that they sign with.
func Reporters(c *config.Config) (all []events.Reporter, err error) {
	for _, r := range c.Reporters {
		key, err := signed.LoadReporterPublicKey(r.KeyFile)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, cli.Fail(cli.Usage, "public key file %s of reporter %s does not exist: bring it from where the reporter is; `ingest init` makes a new pair", r.KeyFile, r.ID)
		}
		if err != nil {
			return nil, cli.Fail(cli.Usage, "reporter %s: %w", r.ID, err)
		}
		all = append(all, events.Reporter{ID: r.ID, Key: base64.StdEncoding.EncodeToString(key), Meters: r.Meters, Apps: r.Apps})
	}
	return all, nil
}

// Template says by which rules the configuration would count a month that has none yet. Without keys it is for looks alone: who reports
// quantities needs no GUID key.
func Template(c *config.Config, keys *identity.Keyring) (*events.Template, error) {
	pub, err := SealPublicKey(c)
	if err != nil {
		return nil, err
	}
	limits := events.DefaultLimits
	set := func(to *int, from int) {
		if from > 0 {
			*to = from
		}
	}
	set(&limits.AppsPerPartition, c.Limits.AppsPerPartition)
	set(&limits.RecordBytes, c.Limits.RecordBytes)
	set(&limits.QuantitySources, c.Limits.QuantitySources)
	set(&limits.DevicesPerApp, c.Limits.DevicesPerApp)
	set(&limits.DevicesPerPartition, c.Limits.DevicesPerPartition)
	t := &events.Template{
		TimeZone:     c.Billing.TimeZone,
		Fields:       fieldsOf(&c.Events),
		Types:        c.Events.Types,
		Precision:    events.DefaultPrecision,
		Limits:       limits,
		Placeholders: c.Identity.Placeholders, OnlyPlaceholders: !bool(c.Identity.Defaults),
		KeyID:   "none",
		SealKey: pub,
		From:    events.Month(c.Billing.From), MonthsBack: events.DefaultMonthsBack,
	}
	if keys != nil {
		t.KeyID = keys.Newest().ID()
	}
	if t.Reporters, err = Reporters(c); err != nil {
		return nil, err
	}
	set(&t.MonthsBack, c.Limits.MonthsBack)
	if err := t.Validate(); err != nil {
		return nil, &config.Error{Where: c.File, What: err.Error()}
	}
	return t, nil
}

func fieldsOf(e *config.Events) events.Fields {
	f := &e.Fields
	return events.Fields{Type: f.Type, GUID: f.GUID, App: f.App.Path, Time: f.Time, AppConst: f.App.Const, TimeUnit: e.TimeUnit}
}
