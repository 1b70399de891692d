package chain

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Ledger is a ledger that is open for reading. One goroutine uses it at a time.
type Ledger struct {
	name     string // as messages call it: the file, or the URL without its password
	postgres bool
	db       *sql.DB
	renew    func() (*sql.DB, error) // nil, or: returns another handle to go on with, or nil while the present one does
}

// Open opens a ledger by its URL: sqlite://path, with ?busy_timeout=30s for how long to wait for another process's transaction, or
// postgres://user@host/database, of which all parameters go to pgx. It changes nothing and makes no files.
func Open(ctx context.Context, at string) (*Ledger, error) {
	scheme, rest, _ := strings.Cut(at, "://")
	var l *Ledger
	var err error
	switch scheme {
	case "sqlite":
		l, err = openSQLite(rest)
	case "postgres", "postgresql":
		l, err = openPostgres(at)
	default:
		return nil, errors.New("the ledger's URL is of another kind: want sqlite://path or postgres://user@host/database")
	}
	if err != nil {
		return nil, err
	}
	if err := l.read(ctx, func(tx *sql.Tx) error {
		_, err := readRows(ctx, tx, entries, "seq = 1")
		return err
	}); err != nil {
		l.Close()
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return l, nil
}

func openSQLite(rest string) (*Ledger, error) {
	path, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	busy := 30 * time.Second
	if text := values.Get("busy_timeout"); err == nil && text != "" {
		busy, err = time.ParseDuration(text)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger %q: %w: want sqlite://path or sqlite://path?busy_timeout=30s", rest, err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	l := &Ledger{name: path}
	// A ledger that nobody has open for writing is read as a file that does not change: so no file is made beside it.
	open := func(parameters string) (*sql.DB, error) {
		return sqliteFile(path, fmt.Sprintf("mode=ro&_query_only=1&_busy_timeout=%d&%s", busy.Milliseconds(), parameters))
	}
	if written(path) {
		l.db, err = open("")
		return l, err
	}
	l.renew = func() (*sql.DB, error) {
		if !written(path) {
			return nil, nil
		}
		return open("")
	}
	l.db, err = open("immutable=1")
	return l, err
}

// written says whether somebody has, or had, the file open for writing.
func written(path string) bool {
	_, err := os.Stat(path + "-wal")
	return err == nil
}

func sqliteFile(path, parameters string) (*sql.DB, error) {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	c, err := sqlite.NewConnector("file:" + escaped + "?_error_rc=1&_defensive=1&_dqs=0&" + parameters)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	return sql.OpenDB(c), nil
}

func openPostgres(at string) (*Ledger, error) {
	name := "of PostgreSQL"
	if u, err := url.Parse(at); err == nil { // parameters may have a password, as the user's part may
		name = u.Scheme + "://" + u.User.Username() + "@" + u.Host + u.Path
	}
	c, err := pgx.ParseConfig(at)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", name, err) // pgx takes the password out
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	c.RuntimeParams["default_transaction_read_only"] = "on"
	return &Ledger{name: name, postgres: true, db: stdlib.OpenDB(*c)}, nil
}

// Close closes the ledger's connections.
func (l *Ledger) Close() error { return l.db.Close() }

// String names the ledger: its file, or its URL without a password.
func (l *Ledger) String() string { return l.name }

// read runs f in one transaction that sees one state of the ledger.
func (l *Ledger) read(ctx context.Context, f func(tx *sql.Tx) error) error {
	if l.renew != nil {
		db, err := l.renew()
		if err != nil {
			return err
		}
		if db != nil {
			l.db.Close()
			l.db, l.renew = db, nil
		}
	}
	options := &sql.TxOptions{ReadOnly: true}
	if l.postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := l.db.BeginTx(ctx, options)
	if err != nil {
		return l.explain(err)
	}
	defer tx.Rollback()
	return l.explain(f(tx))
}

// explain says what a driver's error means, and the remedy.
func (l *Ledger) explain(err error) error {
	var file *sqlite.Error
	if errors.As(err, &file) {
		switch file.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return fmt.Errorf("ledger %s is locked by another process: wait for it, or raise ?busy_timeout=: %w", l.name, err)
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return fmt.Errorf("ledger %s is damaged: restore it from a backup: %w", l.name, err)
		}
		return fmt.Errorf("ledger %s: %w", l.name, err)
	}
	var server *pgconn.PgError
	if errors.As(err, &server) {
		if strings.HasPrefix(server.Code, "08") || strings.HasPrefix(server.Code, "57P0") || server.Code == "53300" {
			return fmt.Errorf("ledger %s: %w: %w", l.name, ErrUnreachable, err)
		}
		return fmt.Errorf("ledger %s: %w", l.name, err)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if l.postgres && (errors.As(err, &connect) || errors.As(err, &network)) {
		return fmt.Errorf("ledger %s: %w: is the server running, and reachable from here? %w", l.name, ErrUnreachable, err)
	}
	return err
}
