package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// schemaVersion is the version of the newest migration; versionTable is where goose keeps what has run.
const (
	schemaVersion = 5
	versionTable  = "ledger_schema"
)

// migrate brings the database to schemaVersion.
func migrate(ctx context.Context, db *sql.DB, d *dialect) error {
	files, err := fs.Sub(migrations, "migrations/"+d.name)
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true)}
	kind := goose.DialectSQLite3
	if d == postgres {
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(kind, db, files, options...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.UpTo(ctx, schemaVersion); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// checkVersion reads the schema's version without changing anything. Where it is not the program's, the error is ErrNewer or
// ErrOlder.
func checkVersion(ctx context.Context, l *Ledger) error {
	var v int64
	err := l.db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+versionTable).Scan(&v)
	switch {
	case err != nil:
		return l.dialect.explain(l.name, fmt.Errorf("read the schema's version: %w", err))
	case v > schemaVersion:
		return fmt.Errorf("ledger %s: %w: its schema has version %d, the program knows %d: use the newer program", l.name, ErrNewer, v, schemaVersion)
	case v < schemaVersion:
		return fmt.Errorf("ledger %s: %w: its schema has version %d, the program's is %d: open it once for writing", l.name, ErrOlder, v, schemaVersion)
	}
	return nil
}

// found writes the first entry of an empty ledger. ErrExists where there is one.
func found(ctx context.Context, l *Ledger) error {
	return l.write(ctx, func(a *appender) error {
		if a.seq != 0 {
			return fmt.Errorf("ledger %s: %w", l.name, ErrExists)
		}
		id := make([]byte, 16)
		rand.Read(id)
		_, err := a.add("", &ledgerRecord{Format: format, ID: hex.EncodeToString(id)})
		return err
	})
}
