package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"headcount/internal/secret"
)

var postgres = &dialect{
	name:    "postgres",
	batch:   64,
	check:   checkPostgres,
	begin:   beginPostgres,
	read:    &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
	explain: explainPostgres,
	objects: postgresObjects,

	attempts: func(table string) []string {
		key := "entry"
		if table == entriesTable.name {
			key = "seq"
		}
		newest := " WHERE " + key + " = (SELECT max(" + key + ") FROM " + table + ")"
		return []string{"UPDATE " + table + " SET " + key + " = " + key + newest, "DELETE FROM " + table + newest, "TRUNCATE " + table + " CASCADE"}
	},
	refused: func(err error) bool {
		var e *pgconn.PgError
		return errors.As(err, &e) && (e.Code == raised || e.Code == noRight || e.Code == lockTimeout)
	},
	statements: true,
	patience:   "SET LOCAL lock_timeout = '100ms'",
}

// SQLSTATEs.
const (
	raised      = "P0001" // by a trigger
	noRight     = "42501"
	lockTimeout = "55P03"
)

// beginPostgres makes the transaction the only writer, and durable: one lock stands for the ledger, since rows of a chain
// cannot be added side by side.
func beginPostgres(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT set_config('lock_timeout', '30s', true),
		CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END`)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(applicationID))
	return err
}

func postgresDB(u string, readOnly bool) (*Ledger, error) {
	name := secret.Redact(u)
	c, err := postgresConnector(u, readOnly)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", name, err) // pgx takes the password out
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(8)
	return &Ledger{name: name, dialect: postgres, db: db, readOnly: readOnly, now: time.Now}, nil
}

func postgresConnector(u string, readOnly bool) (driver.Connector, error) {
	c, err := pgx.ParseConfig(u)
	if err != nil {
		return nil, err
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	if readOnly {
		c.RuntimeParams["default_transaction_read_only"] = "on"
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "headcount"
	}
	return stdlib.GetConnector(*c), nil
}

// Prepare makes the tables of a ledger on PostgreSQL, or brings them up to date, as their owner: who has the right to add rows alone can then
// make the ledger in them, and write it.
func Prepare(ctx context.Context, u string) error {
	l, err := postgresDB(u, false)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := migrate(ctx, l.db, postgres); err != nil {
		return fmt.Errorf("prepare ledger: %w", postgres.explain(l.name, err))
	}
	return nil
}

// createPostgres makes the tables, unless their owner has, and then the first entry, which is the commit: tables without it are no ledger
// yet.
func createPostgres(ctx context.Context, u string) (*Ledger, error) {
	l, err := postgresDB(u, false)
	if err != nil {
		return nil, err
	}
	if checkVersion(ctx, l) != nil {
		err = notOwner(l, migrate(ctx, l.db, postgres))
	}
	if err == nil {
		err = found(ctx, l)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	return l, nil
}

// notOwner explains why tables could not be made or changed.
func notOwner(l *Ledger, err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == noRight {
		return fmt.Errorf("ledger %s: %w: this user may not make or change its tables: have their owner do it: %w", l.name, ErrOlder, err)
	}
	return l.dialect.explain(l.name, err)
}

func openPostgres(readOnly bool) opener {
	return func(ctx context.Context, u string) (*Ledger, error) {
		l, err := postgresDB(u, readOnly)
		if err != nil {
			return nil, err
		}
		if err := l.ready(ctx); err != nil {
			l.Close()
			return nil, err
		}
		return l, nil
	}
}

// checkPostgres tells a database without a ledger before the schema's version is asked for.
func checkPostgres(ctx context.Context, l *Ledger) error {
	var there bool
	if err := l.db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, versionTable).Scan(&there); err != nil {
		return explainPostgres(l.name, err)
	}
	if !there {
		return l.missing()
	}
	return nil
}

func explainPostgres(name string, err error) error {
	if err == nil {
		return nil
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch {
		case e.Code == "3D000":
			return fmt.Errorf("ledger %s: %w: the server has no such database: create it: %w", name, ErrMissing, err)
		case e.Code == lockTimeout || e.Code == "40P01":
			return fmt.Errorf("ledger %s: %w by another process: wait for it: %w", name, ErrLocked, err)
		case e.Code == "25006" || e.Code == noRight:
			return fmt.Errorf("ledger %s: %w: grant this user INSERT and SELECT on its tables, on a server that is no standby: %w", name, ErrReadOnly, err)
		case strings.HasPrefix(e.Code, "28"):
			return fmt.Errorf("ledger %s: the server refuses this user: check user, password and pg_hba.conf: %w", name, err)
		case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "57P0"), e.Code == "53300":
			return fmt.Errorf("ledger %s: %w: %w", name, ErrUnreachable, err)
		}
		return fmt.Errorf("ledger %s: %w", name, err)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) {
		return fmt.Errorf("ledger %s: %w: is the server running, and reachable from here? %w", name, ErrUnreachable, err)
	}
	return err
}

// postgresObjects returns the triggers that are switched on, with their definitions, and the body of the function that they run. Those
// of ordinary kind are off where the session's role for replication is not the usual one.
func postgresObjects(ctx context.Context, tx *sql.Tx) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT 'trigger ' || t.tgname, replace(pg_get_triggerdef(t.oid, true), quote_ident(n.nspname) || '.', '') FROM pg_trigger t
		JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE t.tgrelid IN (SELECT to_regclass(v.name) FROM unnest($1::text[]) AS v (name)) AND NOT t.tgisinternal
		AND (t.tgenabled = 'A' OR t.tgenabled = 'O' AND current_setting('session_replication_role') <> 'replica')
		UNION ALL SELECT DISTINCT 'function ' || p.proname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
		WHERE t.tgrelid = to_regclass('entries') AND t.tgname = 'entries_append_only'`, tableNames())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		all[name] = strings.Join(strings.Fields(text), " ")
	}
	return all, rows.Err()
}
