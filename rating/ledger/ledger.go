// Package ledger keeps what was billed: closings, usage, invoices, releases and the messages that announce them, in an
// append-only, chained set of SQL tables. SQLite and PostgreSQL run the same code.
//
// # Promises
//
//   - Nothing is changed, only added. Triggers refuse UPDATE, DELETE and INSERT over a row, and are tried before a process's first
//     write; a correction is a new revision, a lifted hold and a sent message are rows of their own.
//   - Every row belongs to an entry, and entries are chained by SHA-256. A row's columns are in its entry's payload, or follow
//     from a document whose SHA-256 is there. Verify computes every row again and names the first that differs.
//   - Each method that writes is one transaction, durable when it returns nil, and may be repeated: after an error the outcome
//     is either, and the same call again ends the same. A month has one closing and one result, whoever comes first.
//   - Documents come back byte for byte.
//
// # Layout
//
//	entries   seq, kind, month, at, payload, previous, hash
//	kind      payload (canonical JSON)             rows of
//	ledger    format, id                           –
//	closing   with what a month's close began      closings, books
//	usage     one app's sealed numbers             usage
//	invoice   one revision of one invoice          invoices, lines
//	result    with what the close ended            results
//	message   a record that is to go to the log    outbox
//	sent      its mark                             sent
//	release   a hold lifted                        releases
//	amendment a closed month corrected             amendments
//
// An entry's hash is the hex SHA-256 of seven lines, joined by "\n" and without one at the end:
//
//	headcount ledger entry 1
//	previous hash (64 zeros for the first entry)
//	seq, decimal
//	kind
//	month (2026-10; empty where the entry has none)
//	at (RFC 3339, UTC, milliseconds)
//	payload
//
// Who rewrites the whole chain, or cuts its end off, is found out by a head that was published: give it to Verify. On SQLite
// the ledger is three files, F, F-wal and F-shm, which stay; a copy needs the first two, or `sqlite3 F ".backup COPY"`.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"headcount/internal/secret"
)

// Ledger is an open ledger. Its methods may be called concurrently, and from several processes at once.
type Ledger struct {
	name     string // as messages call it: the file, or the URL without its password
	dialect  *dialect
	readOnly bool
	now      func() time.Time
	zones    Zones       // nil: UTC alone
	guarded  atomic.Bool // its guards were tried
	broken   atomic.Bool // a write to disk failed: what is durable is unknown until the file is opened again

	mu      sync.Mutex
	db      *sql.DB
	retired []*sql.DB               // may have transactions yet
	reopen  func() (*sql.DB, error) // nil, or: returns another handle to go on with, or nil while the present one does
}

// dialect is all in which the databases differ.
type dialect struct {
	name    string                                     // of the folder in migrations/
	batch   int                                        // rows in one INSERT: as many as make up for a round trip
	check   func(ctx context.Context, l *Ledger) error // before the schema's version is read
	begin   func(ctx context.Context, tx *sql.Tx) error
	read    *sql.TxOptions
	settle  string                             // a statement that gives back what a large write took; empty: nothing does
	explain func(name string, err error) error // what a driver's error means, and the remedy
	objects func(ctx context.Context, tx *sql.Tx) (map[string]string, error)

	// Guards.
	attempts   func(table string) []string // what the table must refuse
	refused    func(err error) bool        // whether an attempt's error is a refusal
	statements bool                        // a guard refuses the statement, whether it meets a row or not
	patience   string                      // sets how long an attempt may wait for a lock; empty: it waits for none
}

// Create makes a ledger where there is none and opens it. It returns ErrExists where there is one already.
//
// The URL is sqlite:///absolute/path, sqlite://relative/path or postgres://user@host/database, as for Open.
func Create(ctx context.Context, url string) (*Ledger, error) {
	return dispatch(ctx, url, createSQLite, createPostgres)
}

// Open opens a ledger for writing, bringing an older schema up to date. A ledger that does not exist is ErrMissing.
//
// A sqlite URL may end in ?busy_timeout=30s: how long to wait for another process's transaction. All of a postgres URL's
// parameters go to pgx.
func Open(ctx context.Context, url string) (*Ledger, error) {
	return dispatch(ctx, url, openSQLite(false), openPostgres(false))
}

// OpenReadOnly opens a ledger for reading. It changes nothing and makes no files.
func OpenReadOnly(ctx context.Context, url string) (*Ledger, error) {
	return dispatch(ctx, url, openSQLite(true), openPostgres(true))
}

type opener func(ctx context.Context, url string) (*Ledger, error)

func dispatch(ctx context.Context, url string, sqlite, postgres opener) (*Ledger, error) {
	scheme, _, _ := strings.Cut(url, "://")
	switch scheme {
	case "sqlite":
		return sqlite(ctx, url)
	case "postgres", "postgresql":
		return postgres(ctx, url)
	}
	return nil, fmt.Errorf("ledger %q: want sqlite://path or postgres://user@host/database", secret.Redact(url))
}

// Close closes the ledger's connections.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.db.Close()
	for _, db := range l.retired {
		err = errors.Join(err, db.Close())
	}
	return err
}

// handle returns the connections to use now.
func (l *Ledger) handle() (*sql.DB, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reopen == nil {
		return l.db, nil
	}
	db, err := l.reopen()
	if err != nil || db == nil {
		return l.db, err
	}
	l.retired, l.db, l.reopen = append(l.retired, l.db), db, nil
	return db, nil
}

// ready checks a ledger that was just opened, and brings its schema up to date where it may be written.
func (l *Ledger) ready(ctx context.Context) error {
	if err := l.dialect.check(ctx, l); err != nil {
		return err
	}
	err := checkVersion(ctx, l)
	if errors.Is(err, ErrOlder) && !l.readOnly {
		failed := migrate(ctx, l.db, l.dialect)
		if err = checkVersion(ctx, l); err != nil && failed != nil { // where it succeeds all the same, another process was faster
			return notOwner(l, failed)
		}
	}
	if err != nil {
		return err
	}
	head, err := l.Head(ctx)
	if err == nil && head == genesis {
		err = l.missing()
	}
	return err
}

func (l *Ledger) missing() error {
	return fmt.Errorf("ledger %s: %w: name another, or restore it from a backup; where no month was ever closed, the first close makes it", l.name, ErrMissing)
}

// String names the ledger: its file, or its URL without a password.
func (l *Ledger) String() string { return l.name }

// read runs f in one transaction that sees one state of the ledger.
func (l *Ledger) read(ctx context.Context, f func(tx *sql.Tx) error) error {
	db, err := l.handle()
	if err != nil {
		return l.dialect.explain(l.name, err)
	}
	tx, err := db.BeginTx(ctx, l.dialect.read)
	if err != nil {
		return l.dialect.explain(l.name, err)
	}
	defer tx.Rollback()
	return l.dialect.explain(l.name, f(tx))
}

// write runs f in one transaction that no other writer runs beside. The commit is the transaction's; where it fails, the
// caller does not know whether it took place, and may do the same again.
func (l *Ledger) write(ctx context.Context, f func(a *appender) error) error {
	if l.readOnly {
		return fmt.Errorf("ledger %s is open for reading only: %w", l.name, ErrReadOnly)
	}
	if l.broken.Load() {
		return fmt.Errorf("ledger %s: an earlier write to disk failed: end this process, check the disk, start again", l.name)
	}
	err := l.transact(ctx, f)
	if diskFailed(err) {
		l.broken.Store(true)
	}
	return l.dialect.explain(l.name, err)
}

// settlePatience is how long readers may keep a write's log from being given back.
const settlePatience = 2 * time.Second

// settle gives back what a large write took beside the tables: SQLite's log, which else stays as long as the largest write. Where readers
// are in the way it stays until the next time; what was written is durable without it.
func (l *Ledger) settle(ctx context.Context) {
	if l.dialect.settle == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	if _, err := l.db.ExecContext(ctx, l.dialect.settle); diskFailed(err) {
		l.broken.Store(true)
	}
}

func (l *Ledger) transact(ctx context.Context, f func(a *appender) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := l.dialect.begin(ctx, tx); err != nil {
		return err
	}
	if !l.guarded.Load() {
		if err := l.tryGuards(ctx, tx); err != nil {
			return err
		}
		l.guarded.Store(true)
	}
	a, err := newAppender(ctx, tx, l.now(), l.dialect.batch, l.zone)
	if err != nil {
		return err
	}
	if err := f(a); err != nil {
		return err
	}
	if !a.dirty {
		return nil
	}
	if err := a.flush(); err != nil {
		return err
	}
	return tx.Commit()
}
