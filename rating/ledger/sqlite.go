package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"headcount/internal/durable"
	"headcount/internal/secret"
)

var sqliteDialect = &dialect{
	name:    "sqlite",
	batch:   1,
	check:   checkSQLite,
	begin:   func(context.Context, *sql.Tx) error { return nil }, // BEGIN IMMEDIATE, by the connection's setting
	read:    &sql.TxOptions{ReadOnly: true},
	settle:  "PRAGMA wal_checkpoint(TRUNCATE)",
	explain: explainSQLite,
	objects: sqliteObjects,

	attempts: func(table string) []string {
		newest := " WHERE rowid = (SELECT max(rowid) FROM " + table + ")"
		key := "entry"
		if table == entriesTable.name {
			key = "seq"
		}
		return []string{"UPDATE " + table + " SET " + key + " = " + key + newest, "DELETE FROM " + table + newest, "INSERT OR REPLACE INTO " + table + " SELECT * FROM " + table + newest}
	},
	refused: func(err error) bool {
		var e *sqlite.Error
		return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER
	},
}

// applicationID is in the file's header, "HcLg": it tells a ledger from other SQLite files.
const applicationID = 0x48634C67

// sqliteURL takes sqlite://path?busy_timeout=30s apart. The path is taken as it is, up to the first question mark.
func sqliteURL(u string) (path string, busy time.Duration, err error) {
	path, query, _ := strings.Cut(strings.TrimPrefix(u, "sqlite://"), "?")
	busy = 30 * time.Second
	values, err := url.ParseQuery(query)
	if err != nil || path == "" {
		return "", 0, fmt.Errorf("ledger %q: want sqlite://path or sqlite://path?busy_timeout=30s", secret.Redact(u))
	}
	for name := range values {
		if name != "busy_timeout" {
			return "", 0, fmt.Errorf("ledger %q: unknown parameter %s: there is busy_timeout", secret.Redact(u), name)
		}
		if busy, err = time.ParseDuration(values.Get(name)); err != nil || busy < 0 {
			return "", 0, fmt.Errorf("ledger %q: busy_timeout %q: want a duration such as 30s", secret.Redact(u), values.Get(name))
		}
	}
	path, err = filepath.Abs(path)
	return path, busy, err
}

// sqliteDB opens a file that is there.
func sqliteDB(path string, busy time.Duration, parameters string) (*sql.DB, error) {
	c, err := sqliteConnector(path, busy, parameters)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

func sqliteConnector(path string, busy time.Duration, parameters string) (driver.Connector, error) {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	c, err := sqlite.NewConnector(fmt.Sprintf("file:%s?_error_rc=1&_defensive=1&_dqs=0&_busy_timeout=%d&_foreign_keys=1&%s", escaped, busy.Milliseconds(), parameters))
	if err != nil {
		return nil, err
	}
	return persistent{c}, nil
}

const (
	forWriting = "mode=rw&_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_pragma=cache_size(-65536)&_pragma=temp_store(MEMORY)"
	forReading = "mode=ro&_query_only=1"
	forArchive = forReading + "&immutable=1" // makes no F-wal and F-shm where they are not there
)

// persistent opens connections that leave F-wal and F-shm behind, so that readers need not, or could not, make them.
type persistent struct{ driver.Connector }

func (p persistent) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.(sqlite.FileControl).FileControlPersistWAL("main", 1); err != nil {
		c.Close()
		return nil, err
	}
	return &preparing{c.(connection), map[string]statement{}}, nil
}

// createSQLite makes the ledger under another name and publishes it under its own when it is whole: that is the commit, and fails
// where a ledger is there.
func createSQLite(ctx context.Context, u string) (*Ledger, error) {
	path, busy, err := sqliteURL(u)
	if err != nil {
		return nil, err
	}
	if exists(path) {
		return nil, fmt.Errorf("ledger %s: %w", path, ErrExists)
	}
	folder := filepath.Dir(path)
	if err := durable.MakeFolder(folder); err != nil {
		return nil, fmt.Errorf("create ledger %s: %w", path, err)
	}
	temporary, err := os.MkdirTemp(folder, "."+filepath.Base(path)+".new-")
	if err != nil {
		return nil, fmt.Errorf("create ledger %s: %w: the folder must be writable", path, err)
	}
	defer os.RemoveAll(temporary)
	file := filepath.Join(temporary, "ledger")
	if err := buildSQLite(ctx, file, busy); err != nil {
		return nil, fmt.Errorf("create ledger %s: %w", path, err)
	}
	if err := durable.Publish(file, path); errors.Is(err, durable.ErrExists) {
		return nil, fmt.Errorf("ledger %s: %w", path, ErrExists)
	} else if err != nil {
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	return openSQLite(false)(ctx, u)
}

func buildSQLite(ctx context.Context, file string, busy time.Duration) error {
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return err
	}
	// A rollback journal, not WAL: when the connection closes, all is in the one file.
	db, err := sqliteDB(file, busy, "mode=rw&_txlock=immediate&_journal_mode=DELETE&_synchronous=FULL")
	if err != nil {
		return err
	}
	l := &Ledger{name: file, dialect: sqliteDialect, db: db, now: time.Now}
	return errors.Join(migrate(ctx, db, sqliteDialect), found(ctx, l), db.Close())
}

func openSQLite(readOnly bool) opener {
	return func(ctx context.Context, u string) (*Ledger, error) {
		path, busy, err := sqliteURL(u)
		if err != nil {
			return nil, err
		}
		l := &Ledger{name: path, dialect: sqliteDialect, readOnly: readOnly, now: time.Now}
		if err := l.checkFile(path); err != nil {
			return nil, err
		}
		switch {
		case !readOnly:
			l.db, err = sqliteDB(path, busy, forWriting)
		case exists(path + "-wal"):
			l.db, err = sqliteDB(path, busy, forReading)
		default: // until somebody opens it for writing
			l.db, err = sqliteDB(path, busy, forArchive)
			l.reopen = func() (*sql.DB, error) {
				if !exists(path + "-wal") {
					return nil, nil
				}
				return sqliteDB(path, busy, forReading)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("open ledger %s: %w", path, err)
		}
		if err := l.ready(ctx); err != nil {
			l.Close()
			return nil, err
		}
		return l, nil
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// checkSQLite says at once what else the first write would say: SQLite opens a file for reading where it cannot be written.
func checkSQLite(ctx context.Context, l *Ledger) error {
	if l.readOnly {
		return nil
	}
	c, err := l.db.Conn(ctx)
	if err != nil {
		return explainSQLite(l.name, err)
	}
	defer c.Close()
	var readOnly bool
	err = c.Raw(func(c any) (err error) {
		readOnly, err = c.(interface{ IsReadOnly(string) (bool, error) }).IsReadOnly("main")
		return err
	})
	if err == nil && readOnly {
		err = fmt.Errorf("open ledger %s: %w: give this user the right to write the file and its folder", l.name, ErrReadOnly)
	}
	return err
}

// checkFile tells a missing ledger, and a file that is none, before SQLite sees it.
func (l *Ledger) checkFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l.missing()
	}
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	defer f.Close()
	var header [100]byte
	n, _ := f.ReadAt(header[:], 0) // what is short is no ledger, whatever the error
	if n < len(header) || string(header[:16]) != "SQLite format 3\x00" {
		return fmt.Errorf("ledger %s: %w: it is not an SQLite file (%d bytes of header): restore it from a backup, or name another", path, ErrForeign, n)
	}
	if id := binary.BigEndian.Uint32(header[68:]); id != applicationID {
		return fmt.Errorf("ledger %s: %w: it is an SQLite file of something else (application id %#x): name another", path, ErrForeign, id)
	}
	return nil
}

func explainSQLite(name string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("ledger %s: %w by another process: wait for it, or raise ?busy_timeout=: %w", name, ErrLocked, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("ledger %s: %w: give this user the right to write the file, its -wal and -shm, and their folder: %w", name, ErrReadOnly, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("ledger %s is damaged: restore it from a backup: %w", name, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("ledger %s: the disk is full: make room and run the command again: %w", name, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("ledger %s: the disk failed: check it, then start again: %w", name, err)
	}
	return fmt.Errorf("ledger %s: %w", name, err)
}

// diskFailed says whether what is on disk is unknown.
func diskFailed(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_IOERR
}

// sqliteObjects returns the SQL of all tables, views, indexes and triggers.
func sqliteObjects(ctx context.Context, tx *sql.Tx) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var kind, name, text string
		if err := rows.Scan(&kind, &name, &text); err != nil {
			return nil, err
		}
		all[kind+" "+name] = text
	}
	return all, rows.Err()
}
